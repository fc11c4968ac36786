"""What the rehearsals of scale share: processes of their own on free ports, Prefect's API, the jobs that they run."""

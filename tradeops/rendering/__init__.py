"""What people see: pages and pictures from domain objects, as text in several formats. Pure: no I/O, no clock."""

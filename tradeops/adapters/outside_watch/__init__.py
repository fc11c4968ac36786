"""Who watches the watcher: a service outside that alarms when it is not heard from."""

"""What people see: pages and pictures from domain objects, in several formats. Pure: no I/O, no clock.

Each report has a module with one function from the report and the display time zone to its `Page`, for example
`health.health_page`. Nobody but `markdown`, `html` and `text` writes markup.
"""

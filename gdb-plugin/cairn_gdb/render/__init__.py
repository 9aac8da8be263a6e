"""Rendering: records in, text out.  Pure; no gdb, no lens."""

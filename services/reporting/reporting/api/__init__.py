"""REST for front ends: one router a noun, JSON or CSV by ``Accept`` or by ``.csv``."""

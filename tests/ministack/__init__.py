"""Milepost on ministack, an emulator of AWS in a process of its own: concurrency for real, which moto under one lock cannot show."""

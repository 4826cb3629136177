"""What holds for every test of the repository."""

from hypothesis import HealthCheck, settings

# Two cores are shared by several workers: a slow example says nothing about the code. A failing example prints how to repeat it.
settings.register_profile("milepost", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("milepost")

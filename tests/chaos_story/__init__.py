"""Random stories of a whole system: what is done to it, what breaks meanwhile, and a checker of the history.

`python -m chaos_story` plays one for some minutes. The plan comes from a seed alone; the checker knows neither.
"""

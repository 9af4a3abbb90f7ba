"""The health card of a service: what is measured of it, whether the seven aims hold, where its improvement stands.

Every answer is computed from what was counted and evaluated; nothing can be typed in.
"""

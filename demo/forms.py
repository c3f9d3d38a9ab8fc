"""The forms of shoes that every brand may make: runner, boot, sandal and so on.

Out: for each form its category in the shop and what its last, sole and upper have in common.
"""

from __future__ import annotations

from typing import Any

# form -> (category, last, sole, upper): what kind of shoe, whoever makes it.
FORMS: dict[str, tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "runner": (
        "running shoes",
        {"vamp_height": 0.125, "throat_height": 0.235, "collar_height": 0.225, "toe_power": 2.0},
        {"heel_stack": 0.125, "fore_stack": 0.08, "toe_spring": 0.07, "flare": 0.018},
        {"material": "mesh", "mudguard": 0.035, "lace_rows": 6},
    ),
    "trail": (
        "trail shoes",
        {"vamp_height": 0.13, "toe_height": 0.095, "throat_height": 0.24},
        {"heel_stack": 0.12, "fore_stack": 0.085, "tread": "lugs", "outsole": 0.036, "flare": 0.024},
        {"material": "mesh", "toe": "mudguard", "mudguard": 0.062, "is_crossed": True, "lace_rows": 5},
    ),
    "court": (
        "sneakers",
        {"toe_power": 2.5, "toe_height": 0.092, "vamp_height": 0.135},
        {"heel_stack": 0.092, "fore_stack": 0.07, "toe_spring": 0.035, "bulge": 0.004, "flare": 0.006},
        {"material": "leather", "toe": "cap", "mudguard": 0.0, "lace_rows": 6},
    ),
    "skate": (
        "sneakers",
        {"toe_power": 2.7, "toe_height": 0.085, "vamp_height": 0.125, "collar_height": 0.2},
        {"heel_stack": 0.075, "fore_stack": 0.068, "toe_spring": 0.02, "bulge": 0.0, "flare": 0.002,
         "cup": 0.02, "sidewall": "foxing"},
        {"material": "suede", "mudguard": 0.0, "toe": "plain", "lace_rows": 5},
    ),
    "high": (
        "high tops",
        {"throat_x": 0.385, "throat_height": 0.4, "collar_height": 0.39, "collar_dip": 0.012,
         "heel_x": 0.028, "taper": 0.28, "vamp_height": 0.13, "rim": 0.011},
        {"heel_stack": 0.078, "fore_stack": 0.064, "toe_spring": 0.03, "cup": 0.018,
         "sidewall": "foxing", "bulge": 0.002, "flare": 0.004},
        {"material": "canvas", "toe": "shell", "toe_x": 0.83, "lace_rows": 8, "mudguard": 0.0,
         "tongue": 0.05, "emblem_x": 0.22, "emblem_height": 0.22, "emblem_size": 0.05},
    ),
    "hoop": (
        "high tops",
        {"throat_x": 0.4, "throat_height": 0.36, "collar_height": 0.36, "collar_dip": 0.04,
         "heel_x": 0.03, "taper": 0.26, "vamp_height": 0.145, "toe_height": 0.1, "rim": 0.018},
        {"heel_stack": 0.12, "fore_stack": 0.085, "toe_spring": 0.05, "cup": 0.012, "flare": 0.016},
        {"material": "leather", "toe": "mudguard", "lace_rows": 7, "mudguard": 0.055, "tongue": 0.075},
    ),
    "boot": (
        "boots",
        {"throat_x": 0.39, "throat_height": 0.5, "collar_height": 0.49, "collar_dip": 0.0,
         "heel_x": 0.025, "taper": 0.22, "toe_height": 0.105, "vamp_height": 0.15, "rim": 0.016},
        {"heel_stack": 0.13, "fore_stack": 0.075, "tread": "lugs", "outsole": 0.045,
         "heel_block": 0.055, "sidewall": "plain", "toe_spring": 0.035, "bulge": 0.0},
        {"material": "leather", "toe": "cap", "toe_x": 0.8, "lace_rows": 8, "mudguard": 0.0,
         "tongue": 0.04, "counter": 0.17, "emblem_x": 0.2, "emblem_height": 0.34,
         "emblem_size": 0.045},
    ),
    "chelsea": (
        "boots",
        {"throat_x": 0.37, "throat_height": 0.42, "collar_height": 0.42, "collar_dip": 0.008,
         "heel_x": 0.03, "taper": 0.26, "toe_height": 0.085, "vamp_height": 0.125, "rim": 0.008},
        {"heel_stack": 0.11, "fore_stack": 0.05, "outsole": 0.028, "heel_block": 0.055,
         "sidewall": "plain", "toe_spring": 0.03, "bulge": 0.0, "flare": 0.004},
        {"material": "leather", "closure": "gore", "toe": "plain", "mudguard": 0.0, "counter": 0.13,
         "emblem_x": 0.13, "emblem_height": 0.1, "emblem_size": 0.026},
    ),
    "slip-on": (
        "slip-ons",
        {"throat_x": 0.47, "throat_height": 0.2, "collar_height": 0.185, "vamp_height": 0.14,
         "collar_dip": 0.045, "toe_height": 0.085, "rim": 0.01},
        {"heel_stack": 0.07, "fore_stack": 0.058, "toe_spring": 0.03, "cup": 0.014, "bulge": 0.0,
         "sidewall": "foxing"},
        {"material": "canvas", "closure": "gore", "toe": "plain", "mudguard": 0.0, "has_stay": False,
         "counter": 0.15, "emblem_x": 0.62, "emblem_height": 0.07, "emblem_size": 0.045},
    ),
    "sandal": (
        "sandals",
        {"throat_height": 0.215, "collar_height": 0.2, "vamp_height": 0.115, "toe_height": 0.075},
        {"heel_stack": 0.095, "fore_stack": 0.07, "toe_spring": 0.035, "outsole": 0.02},
        {"material": "leather", "closure": "straps", "straps": ((0.78, 0.034), (0.6, 0.036)),
         "emblem_x": 0.62, "emblem_height": 0.06, "emblem_size": 0.022},
    ),
    "slide": (
        "sandals",
        {"throat_height": 0.2, "collar_height": 0.18, "vamp_height": 0.12, "ball": 0.18},
        {"heel_stack": 0.1, "fore_stack": 0.08, "toe_spring": 0.02, "outsole": 0.014, "bulge": 0.014},
        {"material": "rubber", "closure": "straps", "straps": ((0.66, 0.085),), "is_open_back": True,
         "emblem_x": 0.64, "emblem_height": 0.065, "emblem_size": 0.04},
    ),
}  # fmt: skip

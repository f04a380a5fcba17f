"""The arguments of a generator: where to write, a seed, and how much."""
import argparse, pathlib


def read(about):
    args = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("dir", type=pathlib.Path)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--scale", type=float, default=1.0)
    return args.parse_args()

#!/usr/bin/env python3
"""Makes the fonts of the PDF report (report/attest/pdf/fonts) from their releases.

Run once when a font is renewed, then look at the pages:

    npm pack @expo-google-fonts/source-serif-4@0.4.1 @expo-google-fonts/inter@0.4.2 \
             @expo-google-fonts/jetbrains-mono@0.4.1      # SIL Open Font License 1.1
    python3 -m venv .fonts && .fonts/bin/pip install fonttools==4.68.0
    .fonts/bin/python scripts/reportfonts.py FOLDER-OF-THE-UNPACKED-PACKAGES

A font keeps the letters of Latin, Greek and Cyrillic, punctuation and arrows, and
loses hints and layout tables, which the PDF does not use. The digits of Inter
become the tabular ones, so that figures stand under each other.
"""
import pathlib
import sys

from fontTools import subset
from fontTools.ttLib import TTFont

OUT = pathlib.Path(__file__).resolve().parent.parent / "report/attest/pdf/fonts"
FONTS = {
    "SourceSerif4_400Regular": "serif-regular",
    "SourceSerif4_400Regular_Italic": "serif-italic",
    "SourceSerif4_600SemiBold": "serif-semibold",
    "Inter_400Regular": "sans-regular",
    "Inter_400Regular_Italic": "sans-italic",
    "Inter_600SemiBold": "sans-semibold",
    "JetBrainsMono_400Regular": "mono-regular",
}
LICENSES = {"SourceSerif4": "OFL-source-serif-4.txt", "Inter": "OFL-inter.txt", "JetBrainsMono": "OFL-jetbrains-mono.txt"}
CHARACTERS = [
    (0x20, 0x7E), (0xA0, 0x17F), (0x18F, 0x18F), (0x192, 0x192), (0x1A0, 0x1A1), (0x1AF, 0x1B0), (0x1CD, 0x1DC),
    (0x1E6, 0x1E7), (0x1FA, 0x21B), (0x237, 0x237), (0x259, 0x259), (0x2C6, 0x2C7), (0x2D8, 0x2DD),
    (0x384, 0x3CE), (0x400, 0x45F), (0x490, 0x491), (0x4B0, 0x4B1), (0x1E80, 0x1E85), (0x1E9E, 0x1E9E), (0x1EA0, 0x1EF9),
    (0x2010, 0x2026), (0x2030, 0x2030), (0x2032, 0x2033), (0x2039, 0x203A), (0x2044, 0x2044), (0x20AC, 0x20AC), (0x20BA, 0x20BA),
    (0x20BD, 0x20BD), (0x2116, 0x2116), (0x2122, 0x2122), (0x2190, 0x2193), (0x2212, 0x2212), (0x2248, 0x2248),
    (0x2260, 0x2260), (0x2264, 0x2265), (0xFFFD, 0xFFFD),
]


def tabular(font):
    """Point the digits at their tabular forms."""
    gsub = font["GSUB"].table
    for record in gsub.FeatureList.FeatureRecord:
        if record.FeatureTag != "tnum":
            continue
        for index in record.Feature.LookupListIndex:
            for sub in gsub.LookupList.Lookup[index].SubTable:
                mapping = getattr(getattr(sub, "ExtSubTable", sub), "mapping", {})
                for table in font["cmap"].tables:
                    for digit in range(0x30, 0x3A):
                        name = table.cmap.get(digit)
                        table.cmap[digit] = mapping.get(name, name)
        return


def make(source, name):
    font = TTFont(source)
    if name.startswith("sans"):
        tabular(font)
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "STAT", "MVAR", "meta", "DSIG"]
    options.recalc_timestamp = False
    cut = subset.Subsetter(options)
    cut.populate(unicodes=[u for first, last in CHARACTERS for u in range(first, last + 1)])
    cut.subset(font)
    font.save(OUT / (name + ".ttf"))


def main(folder):
    OUT.mkdir(parents=True, exist_ok=True)
    files = {p.stem: p for p in sorted(pathlib.Path(folder).rglob("*.ttf"))}
    for stem, name in FONTS.items():
        make(files[stem], name)
        family = stem.split("_")[0]
        license_file = files[stem].parent.parent / "LICENSE_FONT"
        (OUT / LICENSES[family]).write_text(license_file.read_text())


main(sys.argv[1])

"""The reader: readable prefixes, chunks, and what is raised inside the lens's callback."""
import gdb
from harness import check, data, equal, fail, passed, start
from cairn_gdb.bridge import Lens
from cairn_gdb.errors import CairnError
from cairn_gdb.outside import maps
from cairn_gdb.program import target

start()
with open("/proc/%d/maps" % gdb.selected_inferior().pid, encoding="utf-8") as file:
    mapped = maps.parse_maps(file.read())
regions = [region for region in mapped if "read" in region.flags]
starts = {region.start for region in mapped}  # GDB reads what the program may not
before_gap = [region for region in regions if region.end not in starts
              and region.end < 1 << 47 and region.name[:2] != "[v"]
check(len(before_gap) >= 2, "there are regions before gaps")
reader = target.GdbTarget(gdb.selected_inferior())

for region in before_gap:
    for back in (1, 8, 4096):
        for ahead in (1, 4096, 3 << 20):
            found = reader.read(region.end - back, back + ahead)
            equal(len(found), back, "the prefix before the gap at %#x" % region.end)
equal(reader.read(before_gap[0].end, 64), b"", "nothing in the gap")
equal(reader.read((1 << 64) - 8, 64), b"", "nothing at the end of the address space")
large = max(regions, key=lambda region: region.end - region.start)
size = min(large.end - large.start, 3 * target.CHUNK_BYTES + 5)
equal(reader.read(large.start, size),
      bytes(gdb.selected_inferior().read_memory(large.start, size)), "chunks are joined")


def raising(problem: BaseException) -> None:
    """What the callback raises comes out of the lens's call, and the next call works."""
    armed = [True]

    def read(address: int, size: int) -> bytes:
        if armed[0]:
            raise problem
        return reader.read(address, size)

    lens = Lens(read=read)
    lens.set_regions(regions)
    try:
        lens.load_model()
        fail("%r got lost" % problem)
    except type(problem) as caught:
        check(caught is problem, "%r comes out as it was" % problem)
    armed[0] = False
    lens.refresh()
    check(lens.load_model(), "the lens works after %r" % problem)
    lens.close()


raising(CairnError("the connection is lost"))
raising(KeyboardInterrupt())
raising(ValueError("a defect"))
check(data("")["objects"] > 0, "and the commands work as before")
passed()

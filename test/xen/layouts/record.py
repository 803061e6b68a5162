# Prints where the members of Xen's structures are, from the debug information of a xen-syms:
#   gdb -batch -x record.py xen-syms > VERSION.txt
# One member a line: structure, member, offset and size in bytes; then the structure's size.
import gdb

STRUCTURES = [
    "payload", "livepatch_fstate", "virtual_region", "livepatch_build_id", "cpu_info", "cpu_user_regs", "vcpu", "domain",
]
# Of these only what is named: they are large, and their other members depend on the configuration.
ONLY = {"vcpu": ["vcpu_id", "domain", "processor"], "domain": ["domain_id"]}


def members(kind, prefix, start):
    for field in kind.fields():
        if not hasattr(field, "bitpos"):
            continue
        at = start + field.bitpos // 8
        inner = field.type.strip_typedefs()
        if field.name is None or field.name == "":
            yield from members(inner, prefix, at)
            continue
        name = prefix + field.name
        yield name, at, field.type.sizeof
        if inner.code == gdb.TYPE_CODE_STRUCT:
            yield from members(inner, name + ".", at)
        elif inner.code == gdb.TYPE_CODE_ARRAY and inner.target().strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
            for i in range(inner.sizeof // inner.target().sizeof):
                yield from members(inner.target().strip_typedefs(), f"{name}[{i}].", at + i * inner.target().sizeof)


for structure in STRUCTURES:
    try:
        kind = gdb.lookup_type("struct " + structure)
    except gdb.error:
        continue
    only = ONLY.get(structure)
    for name, at, size in members(kind, "", 0):
        if only is None or name in only:
            print(structure, name, at, size)
    if only is None:
        print(structure, "-", 0, kind.sizeof)

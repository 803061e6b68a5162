/* Which hypervisor this is. The functions that the example payloads replace are here. */
#include "xen.h"

struct elf_note {
    u32 namesz, descsz, type;
    u8 name_and_desc[];
};

/* The linker makes the note (--build-id=sha1), xen.lds names its ends. */
extern const struct elf_note __note_gnu_build_id_start[], __note_gnu_build_id_end[];

unsigned int xen_major_version(void)
{
    return 4;
}

unsigned int xen_minor_version(void)
{
    return 18;
}

const char *xen_extra_version(void)
{
    return ".1";
}

const char *xen_changeset(void)
{
    return "miniature";
}

/* A fixed date: the same sources give the same bytes on any day. */
const char *xen_compile_date(void)
{
    return "Thu Jan  1 00:00:00 UTC 1970";
}

int xen_build_id(const void **p, unsigned int *len)
{
    const struct elf_note *note = __note_gnu_build_id_start;

    if ( note >= __note_gnu_build_id_end )
        return -61; /* ENODATA */
    *len = note->descsz;
    *p = note->name_and_desc + ((note->namesz + 3) & ~3u);
    return 0;
}

/** A fake `libxenctrl` of any release, with that release's signatures. Its console ring shows the calls that it received. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withTool } from '../../support/gcc.ts';

const SOURCE = `
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct { int opened; } xc_interface;
struct status { uint32_t state; int32_t rc; };
struct payload { char name[128]; struct status status; };

static xc_interface the_interface;
static struct payload payloads[64];
static unsigned nr_payloads;
static char ring[1 << 16];
static unsigned printed;

#define SAY(...) (printed += snprintf(ring + printed, sizeof(ring) - printed, "(XEN) " __VA_ARGS__))
#define FAIL(number) do { errno = (number); return -1; } while (0)
#ifdef REFUSE
#define CHECK FAIL(REFUSE)
#else
#define CHECK (void)0
#endif

xc_interface *xc_interface_open(void *logger, void *dombuild, unsigned flags) {
  if (logger || dombuild || flags) return NULL;
#ifdef NO_OPEN
  errno = NO_OPEN;
  return NULL;
#endif
  if (the_interface.opened++ == 0) SAY("boot\\n");
  SAY("open\\n");
  return &the_interface;
}

int xc_interface_close(xc_interface *x) {
  SAY("close %d\\n", x == &the_interface);
  return 0;
}

static struct payload *find(const char *name) {
  for (unsigned i = 0; i < nr_payloads; i++) if (!strcmp(payloads[i].name, name)) return &payloads[i];
  return NULL;
}

#if MINOR >= 19
int xc_livepatch_upload(xc_interface *x, char *name, unsigned char *payload, uint32_t size, bool force) {
#else
int xc_livepatch_upload(xc_interface *x, char *name, unsigned char *payload, uint32_t size) {
  int force = -1;
#endif
  CHECK;
  if (x != &the_interface || !name || !payload || strlen(name) > 127) FAIL(EINVAL);
  SAY("upload %s %u %02x..%02x force %d\\n", name, size, payload[0], payload[size - 1], force);
  if (find(name)) FAIL(EEXIST);
  strcpy(payloads[nr_payloads].name, name);
  payloads[nr_payloads++].status = (struct status) { 1, 0 };
  return 0;
}

int xc_livepatch_get(xc_interface *x, char *name, struct status *status) {
  CHECK;
  struct payload *found = find(name);
  if (!found) FAIL(ENOENT);
  *status = found->status;
  return 0;
}

#if MINOR >= 14
#define ACTION(verb, after) \\
int xc_livepatch_##verb(xc_interface *x, char *name, uint32_t timeout, uint32_t flags) { \\
  SAY(#verb " %s %u %u\\n", name, timeout, flags); return act(name, after); }
#else
#define ACTION(verb, after) \\
int xc_livepatch_##verb(xc_interface *x, char *name, uint32_t timeout) { \\
  SAY(#verb " %s %u\\n", name, timeout); return act(name, after); }
#endif
static int act(const char *name, unsigned after) {
  struct payload *found = find(name);
  CHECK;
  if (!found) FAIL(ENOENT);
  if (!strcmp(name, "busy")) FAIL(EBUSY);
  if (!strcmp(name, "hook")) found->status.rc = -34;
  else if (after) found->status = (struct status) { after, 0 };
  else *found = payloads[--nr_payloads];
  return 0;
}
ACTION(apply, 2)
ACTION(revert, 1)
ACTION(unload, 0)
ACTION(replace, 2)

#if MINOR >= 14
int xc_livepatch_list_get_sizes(xc_interface *x, unsigned *nr, uint32_t *names, uint32_t *metadata) {
  CHECK;
  *nr = nr_payloads;
  *names = *metadata = 0;
  for (unsigned i = 0; i < nr_payloads; i++) { *names += strlen(payloads[i].name) + 1; *metadata += 4; }
  return 0;
}

int xc_livepatch_list(xc_interface *x, const unsigned max, const unsigned start, struct status *info, char *name,
                      uint32_t *len, const uint32_t names_size, char *metadata, uint32_t *metadata_len,
                      const uint32_t metadata_size, unsigned *done, unsigned *left) {
  char *name_end = name + names_size, *metadata_end = metadata + metadata_size;
  if (!max || !info || !name || !len || !metadata || !metadata_len || !done || !left) FAIL(EINVAL);
#else
int xc_livepatch_list(xc_interface *x, unsigned max, unsigned start, struct status *info, char *name, uint32_t *len,
                      unsigned *done, unsigned *left) {
  if (!max || !info || !name || !len || !done || !left) FAIL(EINVAL);
#endif
  CHECK;
  SAY("list %u %u\\n", max, start);
  if (start > nr_payloads) FAIL(EINVAL);
  unsigned count = nr_payloads - start < max ? nr_payloads - start : max;
  for (unsigned i = 0; i < count; i++) {
    const struct payload *found = &payloads[start + i];
    info[i] = found->status;
    len[i] = strlen(found->name) + 1;
#if MINOR >= 14
    if (name + len[i] > name_end || metadata + 4 > metadata_end) FAIL(ENOBUFS);
    memcpy(metadata, "a\\0b", metadata_len[i] = 4);
    metadata += 4;
    memcpy(name, found->name, len[i]);
    name += len[i];
#else
    memcpy(name + 128 * i, found->name, len[i]);
#endif
  }
  *done = count;
  *left = nr_payloads - start - count;
  return 0;
}

int xc_version(xc_interface *x, int cmd, void *arg) {
  switch (cmd) {
  case 0: return 4 << 16 | MINOR;
  case 1: strcpy(arg, ".9-fake"); return 0;
  case 10:
    if (*(uint32_t *)arg < 20) FAIL(ENOBUFS);
    for (int i = 0; i < 20; i++) ((uint8_t *)arg)[4 + i] = i * 13;
    return 20;
  default: FAIL(ENOSYS);
  }
}

int xc_send_debug_keys(xc_interface *x, const char *keys) {
  SAY("'%s' pressed - Dumping all livepatch patches\\n", keys);
  return 0;
}

int xc_readconsolering(xc_interface *x, char *buffer, unsigned *count, int clear, int incremental, uint32_t *index) {
  if (clear || !incremental) FAIL(EINVAL);
#ifdef NO_RING
  FAIL(EPERM);
#endif
  unsigned size = printed - *index < *count ? printed - *index : *count;
  memcpy(buffer, ring + *index, size);
  *count = size;
  *index += size;
  return 0;
}
`;

/** Makes `libxenctrl.so.4.MINOR` in `folder`. `defines`: REFUSE, NO_OPEN (an errno), NO_RING. */
export function fakeLibrary(folder: string, minor: number, defines: readonly string[] = []): string {
  const path = join(folder, `libxenctrl.so.4.${minor}`);
  const flags = [`-DMINOR=${minor}`, ...defines.map((define) => `-D${define}`)];
  const args = ['-shared', '-fPIC', '-O1', '-w', ...flags, '-o', 'out.so', 'source.c'];
  writeFileSync(
    path,
    withTool('gcc', args, { 'source.c': SOURCE }, ({ read }) => read('out.so')),
  );
  return path;
}

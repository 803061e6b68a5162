import type { Refusal } from '../arch/index.ts';
import { equalBytes, hex } from '../base/index.ts';
import type { RuleId } from '../catalogue/index.ts';
import { ELF_LIVEPATCH_XEN_DEPENDS, ERRNO, type Errno, readBuildId } from '../xen/index.ts';
import { type LoaderElf, secByName } from './elf-load.ts';
import { type Hypervisor, wrapped } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';
import { LIVEPATCH_C, Refuser, refuseSilently } from './refusal.ts';

/**
 * check_xen_buildid: checks that the payload is for this hypervisor. Reads the file as uploaded, before anything is allocated for it.
 * Source: xen/common/livepatch.c, fa49f4be41 (4.18.4, 4.19.1, 4.20).
 */
export function checkXenBuildId(hv: Hypervisor, elf: LoaderElf): number {
  const where = { section: ELF_LIVEPATCH_XEN_DEPENDS };
  const refuser = new Refuser(hv, LIVEPATCH_C, elf.name);
  const refuse = refuser.at(where);
  const section = secByName(elf, ELF_LIVEPATCH_XEN_DEPENDS);
  if (section === undefined) {
    return refuse('section-missing', 'EINVAL', 'section %s is missing', ELF_LIVEPATCH_XEN_DEPENDS);
  }
  const { sh_offset, sh_size } = section.header;
  // The file does not bound an SHT_NOBITS section, so this may read any memory.
  const read = (offset: number, length: number) => elf.buffer.at(wrapped(hv, sh_offset + BigInt(offset)), length);
  const parsed = readBuildId(Number(sh_size), read);
  if (!parsed.ok) {
    const template = 'failed to parse section %s as build-id: %d';
    return refuse('bad-build-id', 'EINVAL', template, ELF_LIVEPATCH_XEN_DEPENDS, -ERRNO[parsed.errno]);
  }
  const { buildId } = hv.image;
  if (buildId === null) {
    const template = 'unable to get running Xen build-id: %d';
    return refuse('xen-without-build-id', 'ENODATA', template, hv.release.missingBuildIdLogged);
  }
  if (!equalBytes(parsed.id, buildId)) {
    const message = `the payload is for Xen ${hex(parsed.id)}, this is ${hex(buildId)}`;
    const template = 'build-id mismatch:\n  livepatch: %*phN\n        xen: %*phN';
    const ids = [parsed.id.length, parsed.id, buildId.length, buildId] as const;
    return refuser.refuse({ rule: 'wrong-xen', errno: 'EINVAL', where, message }, template, ...ids);
  }
  return 0;
}

/** xen_build_id_dep: makes the same check once the payload is prepared. 4.14 … 4.17, 4.18.0-.3, 4.19.0. */
export function xenBuildIdDep(hv: Hypervisor, payload: LoadedPayload): number {
  return againstXen(hv, payload, payload.xenDep ?? new Uint8Array(0), 'wrong-xen');
}

/** build_id_dep: checks that the payload depends on the hypervisor or on the last payload applied. */
export function buildIdDep(hv: Hypervisor, payload: LoadedPayload, internal: boolean): number {
  const top = hv.applied[hv.applied.length - 1];
  if (internal || top === undefined) return againstXen(hv, payload, payload.dep, 'wrong-depends');
  if (equalBytes(payload.dep, top.buildId)) return 0;
  const message = `depends on ${hex(payload.dep)}, but the top of the stack is ${top.name}, ${hex(top.buildId)}`;
  return wrongBase(hv, payload, { rule: 'wrong-depends', errno: 'EINVAL', message }, top.name);
}

function againstXen(hv: Hypervisor, payload: LoadedPayload, id: Uint8Array, rule: RuleId): number {
  const { buildId } = hv.image;
  if (buildId === null) {
    const message = 'this hypervisor has no build-id, so no payload can depend on it';
    return refuseSilently(hv, { rule: 'xen-without-build-id', errno: 'ENODATA', message });
  }
  if (equalBytes(id, buildId)) return 0;
  const message = `depends on ${hex(id)}, but the hypervisor is ${hex(buildId)}`;
  return wrongBase(hv, payload, { rule, errno: 'EINVAL', message }, 'hypervisor');
}

const wrongBase = (hv: Hypervisor, { name }: LoadedPayload, complaint: Refusal, base: string): number =>
  new Refuser(hv, LIVEPATCH_C, name).refuse(complaint, 'check against %s build-id failed', base);

/** Refuses an unreadable build-id note as prepare_payload does: -ENODATA is distinct since 86d09d16dd. */
export function badBuildId(hv: Hypervisor, section: string, errno: Errno): number {
  const name = hv.release.buildIdErrno ? errno : 'EINVAL';
  const message = `${section} has no GNU build-id note`;
  return refuseSilently(hv, { rule: 'bad-build-id', errno: name, where: { section }, message });
}

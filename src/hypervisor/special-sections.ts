import {
  ELF_BUILD_ID_NOTE,
  ELF_LIVEPATCH_DEPENDS,
  ELF_LIVEPATCH_FUNC,
  ELF_LIVEPATCH_XEN_DEPENDS,
  HOOK_SECTIONS,
} from '../xen/index.ts';
import { type LoaderElf, secByName } from './elf-load.ts';
import type { Hypervisor } from './hypervisor.ts';
import { LIVEPATCH_C, Refuser } from './refusal.ts';

/** check_special_sections: checks that the required sections exist and are not empty. Source: xen/common/livepatch.c. */
export function checkSpecialSections(hv: Hypervisor, elf: LoaderElf): number {
  const { funcsRequired, xenDepends } = hv.release;
  const refuser = new Refuser(hv, LIVEPATCH_C, elf.name);
  const names = [
    ...(funcsRequired ? [ELF_LIVEPATCH_FUNC] : []),
    ELF_LIVEPATCH_DEPENDS,
    ...(xenDepends === 'after-prepare' ? [ELF_LIVEPATCH_XEN_DEPENDS] : []),
    ELF_BUILD_ID_NOTE,
  ];
  for (const section of names) {
    const found = secByName(elf, section);
    const refuse = refuser.at({ section });
    if (found === undefined) return refuse('section-missing', 'EINVAL', '%s is missing', section);
    if (found.header.sh_size === 0n) return refuse('section-empty', 'EINVAL', '%s is empty', section);
  }
  return 0;
}

/** check_patching_sections: checks that there is a function to patch or a hook. Since 76b3d4098a (4.14). */
export function checkPatchingSections(hv: Hypervisor, elf: LoaderElf): number {
  if (hv.release.funcsRequired) return 0;
  const refuser = new Refuser(hv, LIVEPATCH_C, elf.name);
  let found = false;
  for (const name of [ELF_LIVEPATCH_FUNC, ...HOOK_SECTIONS.map((hook) => hook.section)]) {
    const section = secByName(elf, name);
    if (section === undefined) {
      hv.log.dprintk(LIVEPATCH_C, 'DEBUG', 'livepatch: %s: %s is missing', elf.name, name);
      continue;
    }
    if (section.header.sh_size === 0n) {
      return refuser.at({ section: name })('section-empty', 'EINVAL', '%s is empty', name);
    }
    found = true;
  }
  if (found) return 0;
  const message = `Nothing to patch: the payload has neither ${ELF_LIVEPATCH_FUNC} nor any hook`;
  return refuser.refuse({ rule: 'nothing-to-patch', errno: 'EINVAL', message }, 'Nothing to patch. Aborting...');
}

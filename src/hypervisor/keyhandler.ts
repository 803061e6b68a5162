import { LIVEPATCH_STATE_APPLIED, LIVEPATCH_STATE_CHECKED } from '../xen/index.ts';
import { printMetadata } from './apply.ts';
import { functionsOf } from './expectations.ts';
import { type Hypervisor, within } from './hypervisor.ts';

/** livepatch_printall: prints what the console key `x` prints. Source: xen/common/livepatch.c. */
export function livepatchPrintAll(hv: Hypervisor): void {
  within(hv, 'livepatch_printall', () => {
    const { log, release } = hv;
    log.printk('DEFAULT', "'%c' pressed - Dumping all livepatch patches", 'x'.charCodeAt(0));
    if (hv.image.buildId !== null) log.printk('DEFAULT', 'build-id: %*phN', hv.image.buildId.length, hv.image.buildId);
    for (const payload of hv.payloads) {
      const { text, rw, ro, pages } = payload;
      const state = payload.state === 'APPLIED' ? LIVEPATCH_STATE_APPLIED : LIVEPATCH_STATE_CHECKED;
      log.printk(
        'DEFAULT',
        ' name=%s state=%s(%d) %p (.data=%p, .rodata=%p) using %u pages.',
        payload.name,
        payload.state,
        state,
        text.addr,
        rw.addr,
        ro.addr,
        pages,
      );
      if (release.modinfo) printMetadata(hv, payload);
      for (const func of functionsOf(hv, payload)) {
        const template = '    %s patch %p(%u) with %p (%u)';
        log.printk('DEFAULT', template, func.text, func.oldAddr, func.oldSize, func.newAddr, func.newSize);
      }
      if (payload.buildId.length > 0) log.printk('DEFAULT', 'build-id=%*phN', payload.buildId.length, payload.buildId);
      if (payload.dep.length > 0) log.printk('DEFAULT', 'depend-on=%*phN', payload.dep.length, payload.dep);
      if (release.dumpsXenDepends && payload.xenDep !== null) {
        log.printk('DEFAULT', 'depend-on-xen=%*phN', payload.xenDep.length, payload.xenDep);
      }
    }
  });
}

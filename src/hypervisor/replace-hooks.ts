import type { HookKind } from '../xen/index.ts';
import { hookEnabled } from './hooks.ts';
import type { Hypervisor } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';

const VETOING: readonly HookKind[] = ['preapply', 'postapply', 'prerevert', 'postrevert'];

/** livepatch_payload_has_vetoing_hooks: whether REPLACE refuses the payload. Action hooks and load hooks do not count. */
export const vetoingHooks = (hv: Hypervisor, payload: LoadedPayload): boolean =>
  VETOING.some((kind) => hookEnabled(hv, payload, kind));

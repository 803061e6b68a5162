import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findDebianXen } from '../../src/targets/index.ts';
import type { DebianXen } from '../../src/targets/qemu/debian.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let found: DebianXen | undefined;

/** Returns Debian's Xen 4.17.7. Fetches it where the cache does not hold it; a test that cannot have it fails with what to do about it. */
export function debianXen(): DebianXen {
  found ??= findDebianXen(process.env) ?? fetched();
  return found;
}

function fetched(): DebianXen {
  const script = ['--import', 'tsx', 'scripts/debian-xen.ts'];
  execFileSync(process.execPath, script, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  const xen = findDebianXen(process.env);
  if (xen === undefined) throw new Error("the cache does not hold Debian's Xen, which was just put there");
  return xen;
}

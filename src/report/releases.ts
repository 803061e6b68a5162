import type { Release } from '../xen/index.ts';
import { cell, table } from './columns.ts';
import type { Style } from './style.ts';

/** A column of the table of releases: what differs, in one or two words. */
const COLUMNS: readonly (readonly [title: string, value: (release: Release) => string])[] = [
  ['sysctl', (r) => `0x${r.sysctlInterfaceVersion.toString(16)}`],
  ['payload', (r) => `v${r.payloadVersion}`],
  ['state in', (r) => (r.stateInPayload ? 'payload' : 'Xen')],
  ['writable', (r) => r.permissions],
  ['ENDBR64', (r) => (r.endbr === 'ignored' ? 'ignored' : r.endbr === 'endbr64' ? 'kept' : 'kept, poison')],
  ['Xen id', (r) => (r.xenDepends === 'none' ? 'not asked' : r.xenDepends === 'before-move' ? 'first' : 'late')],
  ['bad alternatives', (r) => (r.alternatives.badEntry === 'bug' ? 'panic' : 'errno')],
  ['calls in', (r) => (r.alternatives.altCalls === 'none' ? '-' : r.alternatives.altCalls)],
  ['trap', (r) => r.bugTrap],
];

const series = (version: string): string => version.split('.').slice(0, 2).join('.');

/** `4.17.4 - .7` */
function range(first: string, last: string): string {
  return first === last ? first : `${first} - .${last.split('.').at(-1) ?? ''}`;
}

/**
 * The known releases, oldest first, and what differs between them. Point releases of one series that show the same are
 * one line.
 */
export function renderReleases(releases: readonly Release[], style: Style): string {
  const rows: { first: string; last: string; values: string[] }[] = [];
  for (const release of releases) {
    const values = COLUMNS.map(([, value]) => value(release));
    const row = rows.at(-1);
    const same = row !== undefined && series(row.first) === series(release.version);
    if (same && row.values.every((text, i) => text === values[i])) row.last = release.version;
    else rows.push({ first: release.version, last: release.version, values });
  }
  const header = ['release', ...COLUMNS.map(([title]) => title)].map((title) => cell(title, style.dim));
  const body = rows.map((row) => [
    cell(range(row.first, row.last), style.bold),
    ...row.values.map((text) => cell(text)),
  ]);
  return `${table([header, ...body]).join('\n')}\n`;
}

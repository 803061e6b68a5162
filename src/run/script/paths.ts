import { type ScriptPlace, scriptError } from './node.ts';

/**
 * Resolves a path in a scenario file against the folder of that file. Returns it relative to the scenario's root. Throws an XspliceError (EFILE) for a
 * path that leads out of the root. The port that reads files checks symbolic links.
 */
export function pathFrom(place: ScriptPlace, path: string): string {
  const hint = 'a scenario may read files below its own folder; use --root DIR for a wider one';
  if (/^([/\\]|[A-Za-z]:)/.test(path)) throw scriptError(place, `${path} is an absolute path`, hint);
  if (path.includes('\0')) throw scriptError(place, 'a path cannot contain a NUL');
  const parts = place.path.split('/').slice(0, -1);
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) throw scriptError(place, `${path} is outside of the scenario's folder`, hint);
  }
  if (parts.length === 0) throw scriptError(place, `${path} is a folder`, 'name a file');
  return parts.join('/');
}

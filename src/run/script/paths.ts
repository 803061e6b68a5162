import { type ScriptPlace, scriptError } from './node.ts';

/**
 * A file that a scenario names, relative to the scenario's root: `path` starts from the folder of the file that names it. Throws an XspliceError
 * (EFILE) for what leads out of the root. Links are for the reader of files to check.
 */
export function pathFrom(place: ScriptPlace, path: string): string {
  const hint = 'a scenario may read files below its own folder; use --root DIR for a wider one';
  if (/^([/\\]|[A-Za-z]:)/.test(path)) throw scriptError(place, `${path} is an absolute path`, hint);
  if (path.includes('\0')) throw scriptError(place, 'a path has no NUL in it');
  const parts = place.path.split('/').slice(0, -1);
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) throw scriptError(place, `${path} is outside of the scenario's folder`, hint);
  }
  if (parts.length === 0) throw scriptError(place, `${path} is a folder`, 'name a file');
  return parts.join('/');
}

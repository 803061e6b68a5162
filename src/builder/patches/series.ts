import { type Finding, finding } from '../../base/index.ts';
import type { ReadText } from './read-text.ts';
import type { ReadPatches, SourcePatch } from './types.ts';

/** Sorts the patches of a mailbox, and reports an incomplete series. */
export function asSeries(mails: readonly ReadText[], file: string): ReadPatches {
  const problems: Finding[] = [];
  const found: SourcePatch[] = [];
  const covers = mails.filter(({ subject }) => subject.place?.number === 0 && !subject.reply);
  const originals = mails.filter((mail) => mail.patches.length + mail.problems.length > 0 && !mail.subject.reply);
  for (const mail of mails) {
    const { subject, patches } = mail;
    if (covers.includes(mail)) continue;
    if (subject.reply && patches.length > 0 && originals.length > 0) problems.push(strayReply(subject.title, file));
    // Ignore quoted patches in replies, unless there are only replies.
    if (subject.reply && originals.length > 0) continue;
    problems.push(...mail.problems);
    found.push(...patches);
    if (patches.length === 0 && mail.problems.length === 0 && subject.patch && !subject.reply) {
      problems.push(noPatch(subject.title, file));
    }
  }
  const patches = withoutRepeats(found, file, problems);
  const titled = [...patches, ...covers.map(({ subject }) => subject)];
  if (titled.length > 1) problems.push(...checkSeries(titled, patches, file));
  const ordered = patches.toSorted((a, b) => (a.place?.number ?? 0) - (b.place?.number ?? 0));
  return { patches: ordered, problems };
}

const strayReply = (title: string, file: string): Finding =>
  finding('mixed-series', {
    message: `${file}: both “${title}” and a reply to it have a patch`,
    where: { file },
    advice: 'Remove the mail that you do not want',
  });

const noPatch = (title: string, file: string): Finding =>
  finding('no-patch', {
    message: `${file}: the mail “${title}” has no patch as plain text`,
    where: { file },
    advice: 'Save it with its attachments, or take the patch from git',
  });

/** Drops mails delivered twice. Two different patches at one place of the series are a fault. */
function withoutRepeats(patches: readonly SourcePatch[], file: string, problems: Finding[]): SourcePatch[] {
  const contents = new Map<string, string>();
  return patches.filter((patch) => {
    if (patch.place === undefined) return true;
    const { version, number } = patch.place;
    const key = `${version} ${number}`;
    const content = JSON.stringify(patch.files, (name, value: unknown) => (name === 'line' ? undefined : value));
    const other = contents.get(key);
    if (other === undefined) contents.set(key, content);
    else if (other !== content) {
      const message = `${file}: the series has two different patches ${number} (the second is “${patch.title}”)`;
      problems.push(
        finding('duplicate-patch', { message, where: { file }, advice: 'Remove the one that you do not want' }),
      );
    }
    return other === undefined;
  });
}

type Titled = Pick<SourcePatch, 'place' | 'title'>;

function checkSeries(titled: readonly Titled[], patches: readonly SourcePatch[], file: string): Finding[] {
  const placed = titled.flatMap(({ place }) => (place === undefined ? [] : [place]));
  if (placed.length === 0) return [];
  const mixed = (message: string): Finding[] => [
    finding('mixed-series', {
      message: `${file}: ${message}`,
      where: { file },
      advice: 'Keep only the mails of one series',
    }),
  ];
  const versions = [...new Set(placed.map(({ version }) => version))].toSorted((a, b) => a - b);
  if (versions.length > 1)
    return mixed(`it has patches of several versions: ${versions.map((v) => `v${v}`).join(', ')}`);
  const totals = [...new Set(placed.map(({ total }) => total))].toSorted((a, b) => a - b);
  if (totals.length > 1) return mixed(`it has patches of several series: of ${totals.join(' and of ')} patches`);
  const stray = patches.find(({ place }) => place === undefined);
  if (stray !== undefined) return mixed(`“${stray.title}” has no number, unlike the others`);
  const have = new Set(placed.map(({ number }) => number));
  const total = totals[0] ?? 0;
  const beyond = placed.find(({ number }) => number > total);
  if (beyond !== undefined) return mixed(`a patch has the number ${beyond.number}/${total}`);
  const missing = Array.from({ length: total }, (_, i) => i + 1).filter((number) => !have.has(number));
  if (missing.length === 0) return [];
  const list = missing
    .slice(0, 20)
    .map((number) => `${number}/${total}`)
    .join(', ');
  const more = missing.length > 20 ? ` and ${missing.length - 20} more` : '';
  return [
    finding('missing-patch', {
      message: `${file}: the series is incomplete; missing ${list}${more}`,
      where: { file },
      advice: 'Save the whole thread, or the patches one by one',
    }),
  ];
}

import type { ConformReport } from '../conform/index.ts';
import type { DiffDocument } from '../diff/index.ts';
import type { CheckMatrix, CheckReport, InspectReport, RehearsalReport, ScenarioReport } from '../documents/index.ts';
import type { BuildDocument } from './build-document.ts';
import { displayText } from './display-text.ts';

/** Any of the documents that xsplice prints. */
export type ReportDocument =
  | RehearsalReport
  | CheckReport
  | CheckMatrix
  | InspectReport
  | ConformReport
  | ScenarioReport
  | DiffDocument
  | BuildDocument;

/**
 * A document as JSON, indented by two blanks, with a line feed at the end. Every string goes through
 * {@link displayText}: byte strings are no text yet, and `jq -r` would give their control characters to the terminal.
 * Nothing is shortened.
 */
export const documentJson = (document: ReportDocument): string =>
  `${JSON.stringify(document, (_key, value: unknown) => (typeof value === 'string' ? displayText(value) : value), 2)}\n`;

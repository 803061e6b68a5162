/** How bad a finding is: `note` is for what is true of many sound payloads. */
export type Severity = 'error' | 'warning' | 'note';

/** What there is to say about the findings of one id, whatever file they are about. Texts are Markdown; a blank line starts a paragraph. */
export interface CatalogueEntry {
  /** What is wrong, in one line without a stop. */
  readonly title: string;
  /** Of its findings, unless one says otherwise or the user does. */
  readonly severity: Severity;
  /** What the finding says. */
  readonly what: string;
  /** What it does to a host, where {@link what} does not say. */
  readonly why?: string;
  /** The next step, in one or two sentences. Reports print it as `help:`. */
  readonly advice: string;
  /** More about the way out. */
  readonly more?: string;
  /** Where the fact is from: Xen's file and function, the commit with the releases that have it, a section of an ABI. */
  readonly source?: string;
}

/** Entries by id. */
export type Entries = Readonly<Record<string, CatalogueEntry>>;

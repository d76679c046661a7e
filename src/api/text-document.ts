// The documents that the text of a file is made of, with the lines they begin at.

export interface TextDocument {
  /** 1-based, of its first line in the file. */
  readonly line: number;
  readonly text: string;
}

/**
 * The documents of a file: one of JSON, any number of YAML, cut where a line begins with `---`, which ends a document
 * wherever it stands (YAML 1.2 §9.1.2). As with kubectl, directives such as %YAML are not read.
 */
export function documentsOf(text: string, isJson: boolean): TextDocument[] {
  if (isJson) return [{ line: 1, text }];
  const documents: TextDocument[] = [];
  let start = 0;
  let line = 1;
  while (start < text.length) {
    const end = nextMarker(text, start);
    const part = text.slice(start, end);
    documents.push({ line, text: part });
    line += countLineBreaks(part);
    start = end;
  }
  return documents;
}

function nextMarker(text: string, from: number): number {
  for (let at = text.indexOf('\n---', from); at !== -1; at = text.indexOf('\n---', at + 1)) {
    const after = text[at + 4];
    if (after === undefined || after === '\n' || after === '\r' || after === ' ' || after === '\t')
      return at + 1;
  }
  return text.length;
}

export function countLineBreaks(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

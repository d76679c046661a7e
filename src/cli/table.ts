// Tables for people: columns as wide as their widest cell, two spaces apart.

export interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => string;
  /** Colours a padded cell. */
  readonly style?: (text: string, row: Row) => string;
}

/** Lines with the headings first; the last column is not padded. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const widths = columns.map(({ heading, cell }) =>
    Math.max(heading.length, ...rows.map((row) => cell(row).length)),
  );
  const line = (cells: readonly string[]): string => `${cells.join('  ').trimEnd()}\n`;
  const pad = (text: string, index: number): string => text.padEnd(widths[index] ?? 0);
  const headings = line(columns.map(({ heading }, index) => pad(heading, index)));
  const body = rows.map((row) =>
    line(
      columns.map(({ cell, style }, index) => {
        const text = pad(cell(row), index);
        return style === undefined ? text : style(text, row);
      }),
    ),
  );
  return headings + body.join('');
}

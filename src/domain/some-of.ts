/** Five names, and how many more there are: a reason stays a sentence on a mesh of thousands. */
export const someOf = (names: readonly string[]): string =>
  names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');

/** What went wrong where, for people: nodes with the same trouble in one breath. */

/** @param troubles by endpoint, the last one of each. */
export function tellTroubles(troubles: ReadonlyMap<string, string>): string {
  const places = new Map<string, string[]>();
  for (const [endpoint, trouble] of troubles) {
    places.set(trouble, [...(places.get(trouble) ?? []), endpoint]);
  }
  return [...places].map(([trouble, endpoints]) => `${endpoints.join(', ')}: ${trouble}`).join('; ');
}

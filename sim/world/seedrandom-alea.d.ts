declare module 'seedrandom/lib/alea.js' {
  /** A generator that is decided by its seed alone (Baagøe's Alea). */
  export default function alea(seed: string): { int32(): number };
}

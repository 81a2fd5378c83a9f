/** Numbers in the keys of maps and of stored records: keys are compared by code unit, so numbers of one kind have as many digits. */

const ZEROS = '0000000000000000';

/** A whole number in hexadecimal, filled up with zeros to so many digits, at most 16. */
export function hexadecimal(number: number, digits: number): string {
  const text = number.toString(16);
  return ZEROS.slice(0, digits - text.length) + text;
}

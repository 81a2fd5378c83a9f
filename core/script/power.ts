/**
 * x to the power y for doubles, from additions and multiplications alone.
 *
 * Engines may round their own transcendental functions differently, and a script must end the same everywhere. This computes
 * exp(y * log x) in double-double arithmetic (Dekker, "A floating-point technique for extending the available precision", 1971): 106 bits,
 * so the rounding at the end is almost always that of the true value. Ties would need all bits: small whole powers of whole numbers, which
 * alone have them, are multiplied out.
 * Special cases are those of IEEE 754-2008, section 9.2.1.
 */

/** The unevaluated sum of two doubles, the second below half a unit in the last place of the first. */
interface Double2 {
  readonly high: number;
  readonly low: number;
}

export function power(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
  const odd = isOdd(y);
  const size = Math.abs(x);
  if (size === 1) return Number.isFinite(y) && !Number.isInteger(y) ? NaN : odd ? -1 : 1;
  if (!Number.isFinite(y)) return size > 1 === y > 0 ? Infinity : 0;
  const negative = (x < 0 || Object.is(x, -0)) && odd;
  if (size === 0 || size === Infinity) {
    const result = (size === 0) === y < 0 ? Infinity : 0;
    return negative ? -result : result;
  }
  if (x < 0 && !Number.isInteger(y)) return NaN;
  const whole = Number.isSafeInteger(size) && Number.isInteger(y) && y > 0 && y <= MOST_FACTORS;
  const result = whole ? multiplied(size, y) : positivePower(size, y);
  return negative ? -result : result;
}

/** Products of more factors other than 2 have more bits than a double and the one that makes a tie. */
const MOST_FACTORS = 64;

function multiplied(x: number, y: number): number {
  const factor = BigInt(x);
  let product = 1n;
  for (let i = 0; i < y; i += 1) product *= factor;
  return Number(product);
}

function isOdd(y: number): boolean {
  return Number.isInteger(y) && Math.abs(y) <= Number.MAX_SAFE_INTEGER && y % 2 !== 0;
}

/** For finite x above 0 other than 1, and finite y other than 0. */
function positivePower(x: number, y: number): number {
  const { mantissa, exponent } = taken(x);
  // log2 x = exponent + log2 mantissa, with the mantissa near 1.
  const log2 = add(from(exponent), divide(logNearOne(mantissa), LN2));
  // Far beyond what the result could hold; decided here so that the product below stays in range.
  const rough = log2.high * y;
  if (rough > 1_100) return Infinity;
  if (rough < -1_200) return 0;
  const total = multiply(log2, from(y));
  const whole = Math.round(total.high);
  const rest = add(total, from(-whole));
  const { high, low } = expSmall(multiply(rest, LN2));
  return scaled(high, low, whole);
}

/** x = mantissa * 2^exponent with a mantissa from about 0.7 to 1.4. */
function taken(x: number): { mantissa: number; exponent: number } {
  let mantissa = x;
  let exponent = 0;
  for (let bits = 512; bits >= 1; bits /= 2) {
    const step = powerOfTwo(bits);
    while (mantissa >= step) {
      mantissa /= step;
      exponent += bits;
    }
    while (mantissa < 1 / step) {
      mantissa *= step;
      exponent -= bits;
    }
  }
  if (mantissa > Math.SQRT2) return { mantissa: mantissa / 2, exponent: exponent + 1 };
  return mantissa < Math.SQRT1_2
    ? { mantissa: mantissa * 2, exponent: exponent - 1 }
    : { mantissa, exponent };
}

/** For |exponent| up to 1022. */
function powerOfTwo(exponent: number): number {
  let result = 1;
  let base = exponent < 0 ? 0.5 : 2;
  for (let left = Math.abs(exponent); left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result *= base;
    base *= base;
  }
  return result;
}

/** log m = 2 * (z + z^3/3 + z^5/5 …) with z = (m - 1)/(m + 1), which is below 0.172. */
function logNearOne(m: number): Double2 {
  const z = divide(add(from(m), from(-1)), add(from(m), from(1)));
  const square = multiply(z, z);
  let term = z;
  let sum = z;
  for (let n = 3; n < 50; n += 2) {
    term = multiply(term, square);
    sum = add(sum, divide(term, from(n)));
  }
  return add(sum, sum);
}

/** ln 2 = 2 * atanh(1/3), by the same series. */
const LN2: Double2 = (() => {
  const third = divide(from(1), from(3));
  const ninth = multiply(third, third);
  let term = third;
  let sum = third;
  for (let n = 3; n < 75; n += 2) {
    term = multiply(term, ninth);
    sum = add(sum, divide(term, from(n)));
  }
  return add(sum, sum);
})();

/** exp t by its series, for |t| up to 0.35. */
function expSmall(t: Double2): Double2 {
  let term = from(1);
  let sum = from(1);
  for (let n = 1; n < 26; n += 1) {
    term = divide(multiply(term, t), from(n));
    sum = add(sum, term);
  }
  return sum;
}

/** (high + low) * 2^exponent, rounded once, also where the result is subnormal. */
function scaled(high: number, low: number, exponent: number): number {
  if (exponent > 1_023) return (high + low) * powerOfTwo(1_022) * powerOfTwo(exponent - 1_022);
  if (exponent >= -1_020) return (high + low) * powerOfTwo(exponent);
  // The smaller of the two terms decides ties of the coarser rounding: they are added at the scale of the result.
  const shift = powerOfTwo(-1_000);
  const rest = powerOfTwo(Math.max(exponent + 1_000, -1_020));
  const top = high * shift * rest;
  const lost = (high * shift - top / rest) / shift + low;
  return top + lost * shift * rest;
}

function from(value: number): Double2 {
  return { high: value, low: 0 };
}

function twoSum(a: number, b: number): Double2 {
  const high = a + b;
  const part = high - a;
  return { high, low: a - (high - part) + (b - part) };
}

function quickTwoSum(a: number, b: number): Double2 {
  const high = a + b;
  return { high, low: b - (high - a) };
}

function twoProduct(a: number, b: number): Double2 {
  const high = a * b;
  const [a1, a2] = split(a);
  const [b1, b2] = split(b);
  return { high, low: a2 * b2 - (high - a1 * b1 - a2 * b1 - a1 * b2) };
}

/** Two halves of 26 bits each (Veltkamp). */
function split(a: number): readonly [number, number] {
  // 2^27 + 1 times a huge number would overflow.
  if (Math.abs(a) > 1e290) {
    const [high, low] = split(a / 0x1000_0000);
    return [high * 0x1000_0000, low * 0x1000_0000];
  }
  const shifted = 134_217_729 * a;
  const high = shifted - (shifted - a);
  return [high, a - high];
}

function add(a: Double2, b: Double2): Double2 {
  const sum = twoSum(a.high, b.high);
  const rest = twoSum(a.low, b.low);
  const first = quickTwoSum(sum.high, sum.low + rest.high);
  return quickTwoSum(first.high, first.low + rest.low);
}

function multiply(a: Double2, b: Double2): Double2 {
  const product = twoProduct(a.high, b.high);
  return quickTwoSum(product.high, product.low + (a.high * b.low + a.low * b.high));
}

function divide(a: Double2, b: Double2): Double2 {
  const first = a.high / b.high;
  const rest = add(a, negated(multiply(b, from(first))));
  const second = rest.high / b.high;
  const left = add(rest, negated(multiply(b, from(second))));
  const sum = quickTwoSum(first, second);
  return add(sum, from(left.high / b.high));
}

function negated({ high, low }: Double2): Double2 {
  return { high: -high, low: -low };
}

import tseslint from 'typescript-eslint';

/** What may never decide anything inside the pure rooms (architecture, sections 1 and 3). */
const impureGlobals = [
  'Date',
  'performance',
  'process',
  'Buffer',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'requestAnimationFrame',
  'fetch',
  'crypto',
  'globalThis',
  'window',
  'self',
  'console',
  'Intl',
  'WeakRef',
  'FinalizationRegistry',
  'Promise',
  'Atomics',
  'SharedArrayBuffer',
];

const impureProperties = [
  {
    object: 'Math',
    property: 'random',
    message: 'Chance comes in as entropy (core) or as a keyed draw (sim).',
  },
  ...['sin', 'cos', 'tan', 'exp', 'log', 'log2', 'log10', 'pow', 'cbrt', 'hypot', 'sinh', 'cosh', 'tanh'].map(
    (property) => ({
      object: 'Math',
      property,
      message: 'Engines may round transcendental functions differently; use integers.',
    }),
  ),
  ...['toLocaleString', 'toLocaleLowerCase', 'toLocaleUpperCase', 'localeCompare'].map((property) => ({
    property,
    message: 'A locale must not decide; compare by code unit.',
  })),
];

const unorderedIteration = [
  {
    selector: 'ForInStatement',
    message: 'for-in has no order of ours; walk an array or an ordered collection.',
  },
  {
    selector: "CallExpression[callee.property.name='sort'][arguments.length=0]",
    message: 'Give sort a comparison that says what the order is.',
  },
  {
    selector: 'BinaryExpression[operator="**"]',
    message: 'Exponentiation may round differently between engines.',
  },
  { selector: 'AssignmentExpression[operator="**="]', message: 'Exponentiation may round differently.' },
  { selector: 'ImportExpression', message: 'The pure rooms load nothing at run time.' },
  { selector: 'AwaitExpression', message: 'The pure rooms never wait.' },
  { selector: 'FunctionDeclaration[async=true]', message: 'The pure rooms never wait.' },
  { selector: 'FunctionExpression[async=true]', message: 'The pure rooms never wait.' },
  { selector: 'ArrowFunctionExpression[async=true]', message: 'The pure rooms never wait.' },
  { selector: "NewExpression[callee.name='WeakSet']", message: 'Object identity must not decide.' },
];

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.wavetank/'] },
  ...tseslint.configs.strict,
  {
    files: ['**/*.ts'],
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['.vitest.config.ts'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/no-invalid-void-type': 'off',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      eqeqeq: 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['core/**/*.ts', 'sim/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...impureGlobals],
      'no-restricted-properties': ['error', ...impureProperties],
      'no-restricted-syntax': ['error', ...unorderedIteration],
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^node:', message: 'core and sim run in a browser too.' }] },
      ],
    },
  },
  {
    files: ['core/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '(^node:)|(/(sim|runtime-node|test)/)',
              message: 'core imports pure libraries and itself.',
            },
          ],
        },
      ],
    },
  },
  { files: ['**/*.config.ts', '**/*.d.ts'], rules: { 'no-restricted-exports': 'off' } },
  { files: ['**/*.js'], extends: [tseslint.configs.disableTypeChecked] },
);

// Builds the project when it is installed. `npx wavetank` inside this folder installs it once more, as a link, into
// npm's own cache; what is built already need not be built again for that.

import { execSync } from 'node:child_process';
import { chmodSync } from 'node:fs';

if (process.env.npm_command !== 'exec') {
  execSync('npm run build', { stdio: 'inherit' });
  // npm makes a command executable when it links it, but not again where it finds an older link to the same folder.
  chmodSync('dist/runtime-node/cli/main.js', 0o755);
}

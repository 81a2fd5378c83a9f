// Builds the project when it is installed. `npx wavetank` inside this folder installs it once more, as a link, into
// npm's own cache; what is built already need not be built again for that.

import { execSync } from 'node:child_process';

if (process.env.npm_command !== 'exec') execSync('npm run build', { stdio: 'inherit' });

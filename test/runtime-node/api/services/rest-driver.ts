/** The driver that speaks JSON over HTTP/1.1. */

import { LOOKS, turnBytes, withUsual, type Driver, type Fields } from './driver.js';

export function restDriver(url: string): Driver {
  return {
    async call(path, body) {
      const sent = turnBytes(withUsual(path, body), (text) => Buffer.from(String(text)).toString('base64'));
      const post = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(sent),
      };
      const response = await fetch(`${url}/v1/${path}`, LOOKS.includes(path) ? {} : post);
      const text = await response.text();
      if (response.status !== 200) throw new Error(`${path}: HTTP ${response.status}: ${text}`);
      return turnBytes(JSON.parse(text) as Fields, (base64) =>
        Buffer.from(String(base64), 'base64').toString(),
      );
    },
    close() {},
  };
}

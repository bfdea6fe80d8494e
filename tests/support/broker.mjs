// Mosquitto with the project's own configuration (packaging/mosquitto): only paths, ports and the
// log's place differ from what a province installs.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const packaging = fileURLToPath(new URL('../../packaging/mosquitto/', import.meta.url));

// Replaces the line that begins with `key`; it must be there, so that a change of the packaged file
// is not lost unnoticed.
function set(text, key, value) {
  const line = new RegExp(`^${key} .*$`, 'm');
  if (!line.test(text)) throw new Error(`packaging/mosquitto/mosquitto.conf has no line "${key}"`);
  return text.replace(line, `${key} ${value}`);
}

// Writes mosquitto.conf and haidang.acl into `directory`; gives the configuration's path.
export function writeBrokerConfig(directory, { port, ca, cert, key, group, collector }) {
  const aclFile = path.join(directory, 'haidang.acl');
  const acl = fs.readFileSync(path.join(packaging, 'haidang.acl'), 'utf8');
  fs.writeFileSync(aclFile, acl.replaceAll('@GROUP@', group).replaceAll('@COLLECTOR@', collector), { mode: 0o600 });
  let text = fs.readFileSync(path.join(packaging, 'mosquitto.conf'), 'utf8');
  text = set(text, 'acl_file', aclFile);
  text = set(text, 'listener', `${port} 127.0.0.1`);
  text = set(text, 'cafile', ca);
  text = set(text, 'certfile', cert);
  text = set(text, 'keyfile', key);
  text = set(text, 'log_dest', 'stdout');
  text = set(text, 'max_connections', '200');
  if (process.getuid() === 0) text += '\nuser root\n';  // else it could not read what only root may
  const file = path.join(directory, 'mosquitto.conf');
  fs.writeFileSync(file, text);
  return file;
}

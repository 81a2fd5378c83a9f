export { createLog, LOG_LEVELS, SILENT_LOG, type Log, type LogFields, type LogLevel } from './log.js';
export { packageVersion } from './version.js';

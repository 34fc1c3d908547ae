/** Does the job of tests/browser/job.mjs in whatever engine runs this: the task comes in, and the answer goes out, as JSON. */
import fs from 'node:fs';
import { doJob } from '../browser/job.mjs';

fs.writeSync(1, JSON.stringify(await doJob(JSON.parse(fs.readFileSync(0, 'utf8')))));
process.exit();

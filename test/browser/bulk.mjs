// Runs bulk() of bulk.html in Chromium: { url, ...what bulk() takes }; prints what it returns.
import { options, withPage } from './page.mjs';

await withPage(options.url, (page) => page.evaluate((run) => bulk(run), options));

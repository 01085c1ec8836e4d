// Starts the npm module @maximegris/node-websockify, which has no command line of its own. A peer of
// `make bench`.
//
//   node node_websockify.js LISTEN_PORT TARGET_PORT
'use strict';
const [listenPort, targetPort] = process.argv.slice(2);
require('@maximegris/node-websockify')({ source: `127.0.0.1:${listenPort}`, target: `127.0.0.1:${targetPort}` });

export { shortDigest } from '../domain/short-digest.js';

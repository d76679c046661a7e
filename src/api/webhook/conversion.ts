// Answers ConversionReviews (apiextensions.k8s.io/v1): BGPPeers from the version they have to the one that is wanted.
import { bgpPeerVersions, convertBgpPeer } from '../bgp-peer-conversion.ts';
import { isRecord, type RawObject } from '../record.ts';
import { type ReviewAnswer, type ReviewFault, readReview } from './review.ts';

/** Pure: the answer to the body of a request. Never throws. All objects are converted, or none. */
export function answerConversion(body: unknown): ReviewAnswer | ReviewFault {
  const review = readReview(body, 'ConversionReview');
  if ('fault' in review) return review;
  const converted = convertAll(review.request);
  const result =
    typeof converted === 'string' ? { status: 'Failure', message: converted } : { status: 'Success' };
  return {
    apiVersion: review.apiVersion,
    kind: 'ConversionReview',
    response: {
      uid: review.uid,
      convertedObjects: typeof converted === 'string' ? [] : converted,
      result,
    },
  };
}

/** The objects in the wanted version, or why there are none. */
function convertAll(request: RawObject): RawObject[] | string {
  const { desiredAPIVersion, objects } = request;
  const to = bgpPeerVersions.find((version) => version === desiredAPIVersion);
  if (to === undefined) return `There is no version ${String(desiredAPIVersion)} to convert to.`;
  if (!Array.isArray(objects)) return 'There are no objects to convert.';
  const converted: RawObject[] = [];
  for (const object of objects) {
    if (!isRecord(object) || object['kind'] !== 'BGPPeer') return 'Only BGPPeers have several versions.';
    if (!bgpPeerVersions.some((version) => version === object['apiVersion']))
      return `There is no version ${String(object['apiVersion'])} to convert from.`;
    converted.push(convertBgpPeer(object, to));
  }
  return converted;
}

// AWS Signature Version 4 of one request. Pure; the time comes in.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace swb::publication {

struct AwsCredential {
    std::string accessKeyId;
    Secret secretAccessKey;
    Secret sessionToken;  // empty: none
};
// "ACCESS_KEY_ID:SECRET_ACCESS_KEY" with ":SESSION_TOKEN" behind it for temporary ones.
Result<AwsCredential> awsCredentialFromText(const Secret& text);

struct AwsRequest {
    std::string method = "GET";
    std::string path = "/";  // not encoded
    std::vector<std::pair<std::string, std::string>> query;
    std::vector<std::pair<std::string, std::string>> headers;  // to be signed, host among them
    std::string body;
    std::string region, service;
};

// "20150830T123600Z"
std::string amzDate(UnixMs at);
std::string awsQuery(const AwsRequest& request);  // as it is signed and sent
std::string awsCanonicalRequest(const AwsRequest& request, const std::string& signedHeaders);
// The value of the header Authorization. Precondition: headers contain x-amz-date of the same time.
std::string awsAuthorization(const AwsRequest& request, const AwsCredential& credential, UnixMs at);

}  // namespace swb::publication

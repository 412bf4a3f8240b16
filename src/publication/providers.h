// The implementations, one file each, and what they share. Internal to src/publication.
#pragma once

#include "publication/http.h"
#include "publication/provider.h"

namespace swb::publication {

Result<std::unique_ptr<Provider>> makeRfc2136(ProviderSettings settings);
Result<std::unique_ptr<Provider>> makePowerDns(ProviderSettings settings);
Result<std::unique_ptr<Provider>> makeCloudflare(ProviderSettings settings);
Result<std::unique_ptr<Provider>> makeRoute53(ProviderSettings settings);

// Readers of the providers' answers: pure, for bytes from outside (test/fuzz). `token` and `mark` as described there.
Result<Reading> readPowerDnsZone(const Publication& publication, const Json& zone);
Result<Reading> readCloudflareRecords(const Publication& publication, const JsonArray& set, const JsonArray& mark);
Result<Reading> readRoute53Sets(const Publication& publication, std::string_view setXml, std::string_view markXml);
// {deletes, puts, posts}: one transaction that turns what was read into what is wanted, exactly once.
Json cloudflareBatch(const Publication& publication, const Reading& seen, const Wanted& wanted);
std::string route53Batch(const Publication& publication, const Reading& seen, const Wanted& wanted);

// The text of a TXT record whose strings are quoted: "\"ab\" \"c\"" → "abc"; not quoted: as it is.
std::string unquoted(std::string_view text);
std::string quoted(std::string_view text);
// Puts the TXT texts at the mark's name into a reading: ours, none, or something strange.
void putMark(Reading& reading, const std::vector<std::string>& texts);

}  // namespace swb::publication

// What a provider's API answers takes any bytes. The first byte chooses the provider; what is read becomes the batch
// that would be sent, which names the owned name and its mark and nothing else, and never leaves the set empty.
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "model/publication.h"
#include "publication/providers.h"
#include "publication/xml.h"

namespace {

using namespace swb;
using namespace swb::publication;

const Publication& www() {
    static const Publication publication = [] {
        Publication made;
        made.name = "www.shop.example";
        made.zone = "shop.example";
        return made;
    }();
    return publication;
}

const Wanted wanted{{60, {"198.51.100.1"}}, {"fg-shop", 5}};

void checkReading(const Reading& reading) {
    SWB_ASSERT(!reading.set || !reading.set->values.empty(), "a set that is there has values");
    SWB_ASSERT(!reading.mark || markFromText(reading.mark->text()) == reading.mark, "a mark is read as it is written");
}

void powerDns(std::string_view text) {
    const auto json = parseJson(text);
    if (!json) return;
    if (const auto reading = readPowerDnsZone(www(), *json)) checkReading(*reading);
}

void cloudflare(std::string_view text) {
    const auto json = parseJson(text);
    if (!json || !json->is_array()) return;
    const auto reading = readCloudflareRecords(www(), json->get_array(), {});
    const auto mark = readCloudflareRecords(www(), {}, json->get_array());
    for (const auto* read : {&reading, &mark}) {
        if (!*read) continue;
        checkReading(**read);
        const Json batch = cloudflareBatch(www(), **read, wanted);
        size_t kept = 0;
        for (const char* list : {"puts", "posts"})
            for (const Json& entry : batch.at(list).as_array()) {
                const std::string name = textAt(entry, "name");
                SWB_ASSERT(name == www().name || name == markNameOf(www().name), "no other name is touched");
                kept += textAt(entry, "type") == "A";
            }
        SWB_ASSERT(kept == wanted.set.values.size(), "the set is never left empty");
    }
}

void route53(std::string_view text) {
    const size_t half = text.find('\x01');
    const std::string_view mark = half == std::string_view::npos ? std::string_view() : text.substr(half + 1);
    const auto reading = readRoute53Sets(www(), text.substr(0, half), mark);
    if (!reading) return;
    checkReading(*reading);
    const auto batch = parseXml(route53Batch(www(), *reading, wanted));
    SWB_ASSERT(batch.has_value(), "what is sent is well-formed whatever was read");
    for (const XmlElement& change : batch->child("ChangeBatch")->child("Changes")->children) {
        const std::string name = change.child("ResourceRecordSet")->textOf("Name");
        SWB_ASSERT(name == www().name + "." || name == markNameOf(www().name) + ".", "no other name is touched");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (data[0] == 'p') powerDns(text);
    if (data[0] == 'c') cloudflare(text);
    if (data[0] == 'r') route53(text);
    return 0;
}

// The stub client's parser takes any bytes; the text of what it accepted can be made.
#include <cstdint>

#include "dns/message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto response = swb::dns::parseResponse({data, size});
    if (!response) return 0;
    for (const auto* section : {&response->answers, &response->authorities, &response->additionals})
        for (const auto& record : *section) {
            record.name.toText();
            swb::dns::rdataToText(record.type, record.data);
        }
    return 0;
}

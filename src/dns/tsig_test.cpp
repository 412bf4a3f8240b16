#include "dns/tsig.h"

#include <gtest/gtest.h>

#include "dns/dns_test_support.h"

namespace swb::dns::test {
namespace {

constexpr UnixSeconds requestTime = 1'700'000'000;

// Made outside this program, with nothing but an HMAC function and the text of RFC 8945: a SOA query for fo.example
// with the id 0x1234 under the key xfer-key.example of the octets 1 to 32; its reply a second later; a second message
// over the first one's MAC; a fourth one, signed over the second's MAC with an unsigned third in between; and the reply
// of a server whose clock is 1000 seconds ahead.
struct Vector {
    TsigAlgorithm algorithm;
    std::string_view request, reply, second, fourth, badTime;
};
const std::array vectors = {
    Vector{TsigAlgorithm::hmacSha256,
           "12340000000100000000000102666f076578616d706c65000006000108786665722d6b6579076578616d706c650000fa"
           "00ff00000000003d0b686d61632d7368613235360000006553f100012c002083ed47e8efe00f6f00c9d7c988cf34334e"
           "ef5543aa7ce74b286e4aa0eedd398a123400000000",
           "12348400000100000000000102666f076578616d706c65000006000108786665722d6b6579076578616d706c650000fa"
           "00ff00000000003d0b686d61632d7368613235360000006553f101012c0020b71385daf40225dfd9e247278b4ff33ee2"
           "bc1a2b839796aaaf6464c22c4ef2e6123400000000",
           "12348400000000000000000108786665722d6b6579076578616d706c650000fa00ff00000000003d0b686d61632d7368"
           "613235360000006553f102012c0020096eeb61dbe6ff1e82c387b176174b9185ec11d53c9b4b811beca0055945281512"
           "3400000000",
           "12348400000000000000000108786665722d6b6579076578616d706c650000fa00ff00000000003d0b686d61632d7368"
           "613235360000006553f103012c0020705900d68deb4e9ff07624353356ed4d53bf44e0a9fb7be79f0c93b78202374f12"
           "3400000000",
           "12348400000100000000000102666f076578616d706c65000006000108786665722d6b6579076578616d706c650000fa"
           "00ff0000000000430b686d61632d7368613235360000006553f100012c002062913fd71583119ddae6fbd3cec6b6d8b6"
           "d4d3cf2e9822bf9861ad6fbfa4ccbe12340012000600006553f4e8"},
    Vector{TsigAlgorithm::hmacSha384,
           "12340000000100000000000102666f076578616d706c65000006000108786665722d6b6579076578616d706c650000fa"
           "00ff00000000004d0b686d61632d7368613338340000006553f100012c0030125c07e4dbf88b80037c5e8dfea069749e"
           "d0251ca784d020a1c809ed052f668a278e5a6ccae13e73b948e84bf6425d31123400000000",
           "12348400000100000000000102666f076578616d706c65000006000108786665722d6b6579076578616d706c650000fa"
           "00ff00000000004d0b686d61632d7368613338340000006553f101012c00308a7cf50ac9117ea84ae2bff6c8677c7090"
           "2cd9631713fa901d693e93c8eb5c61a30e6dd47225bd4f9bfe5f868b5e72be123400000000",
           "12348400000000000000000108786665722d6b6579076578616d706c650000fa00ff00000000004d0b686d61632d7368"
           "613338340000006553f102012c0030b887729f9119a01b6234c7a4311b1061ad56e5094082d226ed8e2ae26c7c48d42e"
           "894cd1efb998462b37db7586efb3bc123400000000",
           "12348400000000000000000108786665722d6b6579076578616d706c650000fa00ff00000000004d0b686d61632d7368"
           "613338340000006553f103012c0030031c52e75d37568aef1e81319648a0bb9658a9940849855fe8617cca39b423c6ad"
           "e6a26e3bbea98b5a6e48fa8d1348f1123400000000",
           "12348400000100000000000102666f076578616d706c65000006000108786665722d6b6579076578616d706c650000fa"
           "00ff0000000000530b686d61632d7368613338340000006553f100012c0030663349a9a81e6c6f232feb905911663d82"
           "98735c144537cb3edb4fd882cf3ce1024e55ad8a759dec9e57494fa56a807112340012000600006553f4e8"},
    Vector{TsigAlgorithm::hmacSha512,
           "12340000000100000000000102666f076578616d706c65000006000108786665722d6b6579076578616d706c650000fa"
           "00ff00000000005d0b686d61632d7368613531320000006553f100012c0040b4f9a31acbb777a0c44711acacb7c43458"
           "50252453b5ec9202f3e85b3c7cc99e3c605dae243ca1a9bda1afd5f356ffb8aa52fe7f1f44c29f6c32746739037a3b12"
           "3400000000",
           "12348400000100000000000102666f076578616d706c65000006000108786665722d6b6579076578616d706c650000fa"
           "00ff00000000005d0b686d61632d7368613531320000006553f101012c00408616aa503405edb3f291f94cde0793587a"
           "5a8d6f436e8329a82954d15d77533973b0707c3f79e0a476e807016371b9b474568cbbe2a6f471f03cc898473f37f712"
           "3400000000",
           "12348400000000000000000108786665722d6b6579076578616d706c650000fa00ff00000000005d0b686d61632d7368"
           "613531320000006553f102012c0040c9159591822eb5ada211d0b4c781769b7f13eb72cd4b06c4b99df0e3130ebd22f6"
           "1d910c6394342671013fb12c71332975c4594334ed606b1aec18b171b2bcda123400000000",
           "12348400000000000000000108786665722d6b6579076578616d706c650000fa00ff00000000005d0b686d61632d7368"
           "613531320000006553f103012c00401f75dc7e6f091bbe529d6dc0a6182d83c8f04054adf15a5ba4980ac1dc2bfa0e4e"
           "96635ff58cc00374ed46d8557c996fb6a9d80cef48baf97bc1b4758dfefcff123400000000",
           "12348400000100000000000102666f076578616d706c65000006000108786665722d6b6579076578616d706c650000fa"
           "00ff0000000000630b686d61632d7368613531320000006553f100012c00407f667879139bdd075969124db6b05b0ac9"
           "c74d0215a2141c2f7c34580bc1603cd19a11b302038700bc9ab5edf79f46bef6ddf923530263eda5268815a4765ee412"
           "340012000600006553f4e8"},
};

Bytes fromHex(std::string_view hex) {
    Bytes bytes;
    for (size_t i = 0; i < hex.size(); i += 2)
        bytes.push_back(static_cast<uint8_t>(std::stoul(std::string(hex.substr(i, 2)), nullptr, 16)));
    return bytes;
}

TsigKey exampleKey(TsigAlgorithm algorithm = TsigAlgorithm::hmacSha256) {
    std::string secret;
    for (char octet = 1; octet <= 32; ++octet) secret += octet;
    return {name("xfer-key.example"), algorithm, Secret(secret)};
}

TsigKeyPointer keyPointer(TsigAlgorithm algorithm = TsigAlgorithm::hmacSha256) {
    return std::make_shared<const TsigKey>(exampleKey(algorithm));
}

TsigKeyring ring(TsigAlgorithm algorithm = TsigAlgorithm::hmacSha256) {
    TsigKeyring keys;
    EXPECT_TRUE(keys.add(exampleKey(algorithm)));
    return keys;
}

Bytes plainReply() {
    Bytes bytes = query("fo.example", type::soa);
    bytes[2] = 0x84;
    return bytes;
}

Bytes bareReply() {
    return {0x12, 0x34, 0x84, 0, 0, 0, 0, 0, 0, 0, 0, 0};
}

TsigRecord recordOf(const Bytes& message) {
    TsigRecord record;
    EXPECT_EQ(findTsig(message, record), TsigFound::yes);
    return record;
}

Bytes signedWith(TsigSigner& signer, Bytes message, UnixSeconds now) {
    const size_t length = message.size();
    message.resize(length + signer.recordBytes());
    message.resize(signer.sign(message, length, now));
    return message;
}

TsigVerdict verdictOn(const Bytes& message, UnixSeconds now = requestTime) {
    return verifyRequest(message, recordOf(message), ring(), now);
}

TEST(Tsig, SignsLikeTheVectors) {
    for (const Vector& vector : vectors) {
        TsigSigner client(keyPointer(vector.algorithm));
        EXPECT_EQ(signedWith(client, query("fo.example", type::soa), requestTime), fromHex(vector.request));
        TsigSigner server(keyPointer(vector.algorithm), client.mac());
        EXPECT_EQ(signedWith(server, plainReply(), requestTime + 1), fromHex(vector.reply));
        EXPECT_EQ(signedWith(server, bareReply(), requestTime + 2), fromHex(vector.second));
        TsigSigner late(keyPointer(vector.algorithm), client.mac());
        Bytes refused = plainReply();
        const size_t length = refused.size();
        refused.resize(length + late.recordBytes());
        refused.resize(late.signBadTime(refused, length, requestTime, requestTime + 1000));
        EXPECT_EQ(refused, fromHex(vector.badTime));
    }
}

TEST(Tsig, VerifiesTheVectors) {
    for (const Vector& vector : vectors) {
        const Bytes request = fromHex(vector.request);
        const TsigRecord record = recordOf(request);
        const TsigVerdict verdict = verifyRequest(request, record, ring(vector.algorithm), requestTime + 300);
        EXPECT_EQ(verdict.error, tsigError::none);
        EXPECT_FALSE(verdict.malformed);
        ASSERT_NE(verdict.key, nullptr);
        EXPECT_EQ(withoutTsig(request, record), query("fo.example", type::soa));
        TsigVerifier verifier(keyPointer(vector.algorithm), record.mac);
        const auto first = verifier.receive(fromHex(vector.reply), requestTime);
        ASSERT_TRUE(first) << describe(first.error());
        EXPECT_EQ(*first, plainReply().size());
        EXPECT_TRUE(verifier.complete());
        EXPECT_TRUE(verifier.receive(fromHex(vector.second), requestTime));
        EXPECT_TRUE(verifier.receive(bareReply(), requestTime));
        EXPECT_FALSE(verifier.complete());
        EXPECT_TRUE(verifier.receive(fromHex(vector.fourth), requestTime));
        EXPECT_TRUE(verifier.complete());
    }
}

TEST(Tsig, EveryChangedOctetIsNoticed) {
    const Bytes request = fromHex(vectors[0].request);
    for (size_t at = 0; at < request.size(); ++at) {
        Bytes changed = request;
        changed[at] ^= 1;
        TsigRecord record;
        // The id may change on the way (a forwarder's): the original one is in the record. Case of names is no change.
        if (at < 2 || findTsig(changed, record) != TsigFound::yes) continue;
        const TsigVerdict verdict = verifyRequest(changed, record, ring(), requestTime);
        EXPECT_TRUE(verdict.malformed || verdict.error != tsigError::none) << at;
    }
}

TEST(Tsig, EveryChangedOctetOfAReplyIsNoticed) {
    const Bytes reply = fromHex(vectors[0].reply);
    for (size_t at = 2; at < reply.size(); ++at) {
        Bytes changed = reply;
        changed[at] ^= 1;
        TsigVerifier verifier(keyPointer(), recordOf(fromHex(vectors[0].request)).mac);
        EXPECT_FALSE(verifier.receive(changed, requestTime)) << at;
    }
}

TEST(Tsig, TimeDecidesAfterTheSignature) {
    const Bytes request = fromHex(vectors[0].request);
    EXPECT_EQ(verdictOn(request, requestTime + 300).error, tsigError::none);
    EXPECT_EQ(verdictOn(request, requestTime + 301).error, tsigError::badTime);
    EXPECT_EQ(verdictOn(request, requestTime - 301).error, tsigError::badTime);
    Bytes forged = request;
    forged[3] ^= 1;
    EXPECT_EQ(verdictOn(forged, requestTime + 301).error, tsigError::badSignature);
}

TEST(Tsig, UnknownKeyAndOtherAlgorithmAreBadKey) {
    const Bytes request = fromHex(vectors[0].request);
    EXPECT_EQ(verifyRequest(request, recordOf(request), {}, requestTime).error, tsigError::badKey);
    const TsigVerdict other = verifyRequest(request, recordOf(request), ring(TsigAlgorithm::hmacSha512), requestTime);
    EXPECT_EQ(other.error, tsigError::badKey);
    EXPECT_EQ(other.key, nullptr);
}

// The MAC cut to `size` octets; the record keeps its form.
Bytes truncatedMac(size_t size) {
    Bytes request = fromHex(vectors[0].request);
    const size_t macEnd = request.size() - 6;
    const size_t cut = 32 - size;
    request.erase(request.begin() + static_cast<ptrdiff_t>(macEnd - cut),
                  request.begin() + static_cast<ptrdiff_t>(macEnd));
    const size_t sizeAt = request.size() - 6 - size - 2;
    request[sizeAt + 1] = static_cast<uint8_t>(size);
    const size_t lengthAt = sizeAt - 8 - 13 - 2;
    request[lengthAt + 1] = static_cast<uint8_t>(request[lengthAt + 1] - cut);
    return request;
}

TEST(Tsig, TruncatedSignatures) {
    EXPECT_EQ(verdictOn(truncatedMac(16)).error, tsigError::badTruncation);
    EXPECT_EQ(verdictOn(truncatedMac(31)).error, tsigError::badTruncation);
    EXPECT_TRUE(verdictOn(truncatedMac(15)).malformed);
    EXPECT_TRUE(verdictOn(truncatedMac(0)).malformed);
    Bytes wrong = truncatedMac(16);
    wrong[wrong.size() - 7] ^= 1;
    EXPECT_EQ(verdictOn(wrong).error, tsigError::badSignature);
}

TEST(Tsig, OnlyTheLastRecordMayBeOne) {
    Bytes twice = fromHex(vectors[0].request);
    const Bytes record(twice.begin() + static_cast<ptrdiff_t>(query("fo.example", type::soa).size()), twice.end());
    twice.insert(twice.end(), record.begin(), record.end());
    twice[11] = 2;
    TsigRecord found;
    EXPECT_EQ(findTsig(twice, found), TsigFound::malformed);
    Bytes optBehind = fromHex(vectors[0].request);
    appendOpt(optBehind, {});
    optBehind[11] = 2;
    EXPECT_EQ(findTsig(optBehind, found), TsigFound::malformed);
    Bytes asAnswer = fromHex(vectors[0].request);
    std::swap(asAnswer[7], asAnswer[11]);
    EXPECT_EQ(findTsig(asAnswer, found), TsigFound::malformed);
    Bytes trailing = fromHex(vectors[0].request);
    trailing.push_back(0);
    EXPECT_EQ(findTsig(trailing, found), TsigFound::malformed);
    EXPECT_EQ(findTsig(query("fo.example", type::soa, {Edns{}}), found), TsigFound::no);
    EXPECT_FALSE(mayHoldTsig(query("fo.example", type::soa)));
    EXPECT_TRUE(mayHoldTsig(fromHex(vectors[0].request)));
}

TEST(Tsig, UnsignedErrorsCarryTheKeyAndNoSignature) {
    const Bytes request = fromHex(vectors[0].request);
    Bytes reply = plainReply();
    const size_t length = reply.size();
    reply.resize(512);
    reply.resize(appendUnsignedTsig(reply, length, recordOf(request), tsigError::badKey));
    const TsigRecord record = recordOf(reply);
    EXPECT_EQ(record.keyName.view(), name("XFER-KEY.example").view());
    EXPECT_EQ(record.error, tsigError::badKey);
    EXPECT_TRUE(record.mac.empty());
    TsigVerifier verifier(keyPointer(), recordOf(request).mac);
    const auto received = verifier.receive(reply, requestTime);
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().code, ErrorCode::Forbidden);
    EXPECT_NE(received.error().message.find("BADKEY"), std::string::npos);
    Bytes small(length + 10);
    EXPECT_EQ(appendUnsignedTsig(small, length, recordOf(request), tsigError::badKey), 0u);
}

TEST(Tsig, AReplyMustBeSignedFirstAndLast) {
    TsigVerifier verifier(keyPointer(), recordOf(fromHex(vectors[0].request)).mac);
    EXPECT_FALSE(verifier.receive(plainReply(), requestTime));
    TsigVerifier patient(keyPointer(), recordOf(fromHex(vectors[0].request)).mac);
    ASSERT_TRUE(patient.receive(fromHex(vectors[0].reply), requestTime));
    for (size_t i = 0; i < tsigUnsignedMax; ++i) EXPECT_TRUE(patient.receive(bareReply(), requestTime));
    EXPECT_FALSE(patient.receive(bareReply(), requestTime));
}

TEST(Tsig, AlgorithmsByName) {
    EXPECT_EQ(*tsigAlgorithmFromText("HMAC-SHA384."), TsigAlgorithm::hmacSha384);
    EXPECT_EQ(tsigAlgorithmText(TsigAlgorithm::hmacSha512), "hmac-sha512");
    EXPECT_FALSE(tsigAlgorithmFromText("hmac-md5.sig-alg.reg.int"));
    EXPECT_FALSE(tsigAlgorithmFromText("hmac-sha1"));
    EXPECT_FALSE(tsigAlgorithmFromText(""));
}

TEST(Tsig, KeyringHasEachNameOnce) {
    TsigKeyring keys = ring();
    EXPECT_FALSE(keys.add(exampleKey()));
    EXPECT_FALSE(keys.add({name("empty.example"), TsigAlgorithm::hmacSha256, Secret()}));
    EXPECT_NE(keys.find(name("XFER-key.example")), nullptr);
    EXPECT_EQ(keys.find(name("other.example")), nullptr);
}

}  // namespace
}  // namespace swb::dns::test

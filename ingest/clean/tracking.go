package clean

import "strings"

// tracks tells whether a query parameter says where a click came from and
// nothing of what is to be shown. The names are those that the tools and
// papers named beside them document. One that some site might select content
// by goes by its value, or by its host; id, p, page, story, article, v, cid, t
// and their like are never here.
func tracks(name, value, host string) bool {
	if name == "CMP" { // The Guardian; in lower case it is too common a word
		return true
	}
	name = lower(name)
	for _, prefix := range trackingPrefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return isClickID(name) || isCampaign(name) || tracksByValue(name, lower(value), host)
}

// trackingPrefixes begin the names of families of parameters.
var trackingPrefixes = []string{
	"utm_",           // Urchin, Google Analytics
	"mtm_", "matomo", // Matomo
	"hsa_", "__hs", // HubSpot
	"dpg_", "hmb_", // DPG Media, Humble
	"bsft_", "vero_", "cm_mmc", "_sgm_", "wt_mc", "wt.mc", // Blueshift, Vero, Coremetrics, Segmentify, Mapp (Webtrekk)
	"at_custom", "at_link_", "at_bbc_", "at_ptr_", // AT Internet
	"guce_", "_branch_", "__cft__", "fb_action_", // Oath, Branch, Facebook
}

// isClickID knows the ids that advertisers, networks and mailers give a click.
func isClickID(name string) bool {
	switch name {
	case "fbclid", "fb_ref", "fb_source", "fb_comment_id", "mibextid", "sfnsn", "__tn__", // Facebook
		"gclid", "dclid", "gclsrc", "gbraid", "wbraid", "gad_source", "gad_campaignid", "srsltid", "_ga", "_gl", // Google
		"usqp", "amp_js_v", "amp_gsa", "amp_ct", "amp_tf", // AMP
		"msclkid", "ocid", // Microsoft
		"yclid", "ysclid", "ymclid", "_openstat", // Yandex
		"twclid", "ref_src", "ref_url", "__twitter_impression", // Twitter
		"igshid", "igsh", "ttclid", "epik", "li_fat_id", "rdt_cid", "sccid", // Instagram, TikTok, Pinterest, LinkedIn, Reddit, Snapchat
		"mc_cid", "mc_eid", "mc_tc", "ml_subscriber", "ml_subscriber_hash", // Mailchimp, MailerLite
		"mkt_tok", "_kx", "_bhlid", "dm_i", "oly_anon_id", "oly_enc_id", // Marketo, Klaviyo, beehiiv, Dotdigital, Olytics
		"_hsenc", "_hsmi", "hsctatracking", // HubSpot
		"s_cid", "s_kwcid", "ef_id", "sc_cid", "icid", // Adobe
		"irclickid", "irgwc", "awc", "sscid", "tduid", "dicbo", "tblci", // Impact, Awin, ShareASale, Tradedoubler, Outbrain, Taboola
		"wickedid", "rb_clickid", "erid", "_clde", "_cldee", "cm_me", "cm_cr": // Wicked Reports, Russian advertisements, ClickDimensions, Acoustic
		return true
	}
	return false
}

// isCampaign knows the parameters by which sites, newspapers and broadcasters
// above all, tell their feeds, letters and buttons apart.
func isCampaign(name string) bool {
	switch name {
	case "itm_source", "itm_medium", "itm_campaign", "itm_content", "itm_term", // campaigns inside a site
		"pk_campaign", "pk_kwd", "pk_keyword", "pk_source", "pk_medium", "pk_content", "pk_cid", "pk_vid", // Piwik
		"at_medium", "at_campaign", "at_campaign_type", "at_format", "at_creation", "at_variant", "at_send_date", // AT Internet: BBC, France 24
		"ns_mchannel", "ns_source", "ns_campaign", "ns_linkname", "ns_fee", // comScore: BBC
		"xtor", "cmpid", "ftag", "maca", "traffic_source", "wt_zmc", // XiTi, Bloomberg and CNBC, CBS, DW, Al Jazeera, Die Zeit
		"smid", "smtyp", "smprod", "sr_share", "guccounter", "oprtrack", "nx_source", "adfrom", // New York Times, Shareaholic, Oath, others
		"action_object_map", "action_type_map", "action_ref_map": // Facebook
		return true
	}
	return false
}

// tracksByValue knows names that track with some values, or on some hosts.
func tracksByValue(name, value, host string) bool {
	switch name {
	case "ref", "referrer", "referer":
		return isReferrer(value) || isDomain(value)
	case "source", "src", "from", "via", "partner", "emc", "mod", "share":
		return isReferrer(value)
	case "amp":
		return value == "" || value == "1" || value == "true"
	case "outputtype", "output":
		return value == "amp"
	case "feature":
		return value == "youtu.be" || value == "share" || value == "shared" || value == "oembed" || value == "emb_title"
	case "ncid", "taid": // AOL's names, Reuters' long marks; a number may be an article's
		return !all(value, isDigit)
	case "ito":
		return strings.Contains(host, "dailymail.") || strings.Contains(host, "thisismoney.")
	case "si": // who shared a video or a track
		return strings.HasSuffix(host, "youtube.com") || host == "youtu.be" || strings.HasSuffix(host, ".spotify.com")
	}
	return false
}

// isReferrer tells whether the value of a parameter such as source names a
// feed, a network or a letter, and nothing of the page's own.
func isReferrer(value string) bool {
	switch value {
	case "", "rss", "rss2", "rss2.0", "atom", "feed", "feeds", "rssfeed", "feedburner", "feedly", "amp",
		"twitter", "facebook", "fb", "linkedin", "reddit", "hackernews", "hn", "producthunt",
		"telegram", "whatsapp", "mastodon", "bluesky", "flipboard", "google", "bing",
		"newsletter", "email", "mail", "gmail", "social", "share", "tw-share", "home", "homepage":
		return true
	}
	return strings.HasPrefix(value, "rss_") || strings.HasPrefix(value, "rss-")
}

// isDomain tells whether a value is a site's name, as blogs put into the links
// that leave them: "?ref=example.com".
func isDomain(s string) bool {
	i := strings.LastIndexByte(s, '.')
	if i < 1 || len(s)-i < 3 || !all(s[i+1:], isLetter) {
		return false
	}
	switch s[i+1:] {
	case "html", "htm", "php", "asp", "aspx", "jsp", "pdf", "xml", "json", "txt", "md", "jpg", "jpeg", "png", "gif", "svg", "zip", "js", "css":
		return false
	}
	return all(s, func(c byte) bool { return hostByte[c] })
}

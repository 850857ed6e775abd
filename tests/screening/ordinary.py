"""Ten thousand ordinary names: common given and family names of twelve origins, combined."""

from itertools import product

COUNT = 10_000
#: For each origin thirty given names, a dash, and twenty-eight family names.
_ORIGINS = """
James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard
Susan Joseph Jessica Thomas Karen Christopher Sarah Charles Lisa Daniel Nancy Matthew Sandra
Anthony Betty Mark Ashley
--
Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Taylor Moore Jackson Thompson
White Harris Clark Lewis Robinson Walker Young Allen King Wright Scott Hill Green Adams Baker

Juan Maria Jose Carmen Luis Ana Carlos Laura Jorge Isabel Miguel Rosa Pedro Elena Manuel Lucia
Francisco Marta Antonio Paula Alejandro Sofia Javier Andrea Diego Teresa Fernando Claudia Ricardo
Gabriela
--
Garcia Rodriguez Martinez Hernandez Lopez Gonzalez Perez Sanchez Ramirez Torres Flores Rivera
Gomez Diaz Reyes Morales Cruz Ortiz Gutierrez Chavez Ramos Ruiz Alvarez Mendoza Vasquez Castillo
Jimenez Moreno

Jean Marie Pierre Nathalie Michel Isabelle Philippe Sylvie Alain Catherine Nicolas Francoise
Christophe Valerie Patrick Christine Frederic Monique Laurent Sophie Stephane Sandrine Olivier
Celine Julien Camille Antoine Juliette Thierry Aurelie
--
Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefebvre
Michel Garnier Roux Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Muller Lefevre
Faure Mercier

Hans Anna Peter Ursula Michael Monika Thomas Petra Andreas Sabine Wolfgang Renate Klaus Helga
Juergen Karin Stefan Brigitte Christian Ingrid Uwe Erika Werner Andrea Frank Gisela Markus Claudia
Dieter Susanne
--
Mueller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schaefer Koch Bauer
Richter Klein Wolf Schroeder Neumann Schwarz Zimmermann Braun Krueger Hofmann Hartmann Lange
Werner Krause Lehmann

Giuseppe Maria Giovanni Anna Antonio Rosa Mario Angela Luigi Giovanna Francesco Teresa Angelo
Lucia Vincenzo Carmela Pietro Caterina Salvatore Francesca Carlo Antonietta Franco Paola Domenico
Elena Bruno Laura Paolo Silvia
--
Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti De-Luca
Costa Giordano Mancini Rizzo Lombardi Moretti Barbieri Fontana Santoro Mariani Rinaldi Caruso
Ferrara Galli

Aleksandr Yelena Sergey Olga Vladimir Natalya Dmitry Tatyana Andrey Irina Aleksey Svetlana Nikolay
Anna Ivan Marina Mikhail Yekaterina Yevgeny Lyudmila Igor Galina Oleg Nadezhda Viktor Anastasia
Yuri Valentina Pavel Maria
--
Ivanov Smirnov Kuznetsov Popov Vasilyev Petrov Sokolov Mikhailov Novikov Fedorov Morozov Volkov
Alekseyev Lebedev Semyonov Yegorov Pavlov Kozlov Stepanov Nikolayev Orlov Andreyev Makarov Nikitin
Zakharov Zaytsev Solovyov Borisov

Mohamed Fatima Ahmed Aisha Ali Khadija Omar Mariam Hassan Zainab Ibrahim Amina Khalid Layla Yusuf
Noor Mustafa Huda Abdullah Salma Hussein Rania Mahmoud Samira Tariq Nadia Karim Yasmin Bilal Dina
--
Hassan Ali Ahmed Ibrahim Mahmoud Khalil Saleh Mansour Nasser Haddad Khoury Najjar Sayed Farouk
Aziz Rahman Hamdan Qasim Shaheen Darwish Saad Awad Zaki Suleiman Bakri Tawfik Othman Jaber

Mehmet Ayse Mustafa Fatma Ahmet Emine Ali Hatice Huseyin Zeynep Hasan Elif Ibrahim Meryem Ismail
Serife Osman Zehra Yusuf Sultan Murat Hanife Omer Merve Ramazan Havva Halil Sevim Suleyman Esra
--
Yilmaz Kaya Demir Sahin Celik Yildiz Yildirim Ozturk Aydin Ozdemir Arslan Dogan Kilic Aslan Cetin
Kara Koc Kurt Ozkan Simsek Polat Korkmaz Erdogan Acar Gunes Aksoy Bulut Tekin

Wei Fang Min Jing Li Qiang Lei Yan Jun Juan Yong Xia Jie Ping Tao Hong Chao Hua Ming Ling Gang Mei
Bin Xiuying Hao Lan Peng Na Bo Ying
--
Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin Gao Luo Zheng Liang Xie
Song Tang Deng Han Feng

Rajesh Priya Amit Sunita Sanjay Anita Vijay Lakshmi Ravi Kavita Anil Meena Suresh Deepa Ramesh
Pooja Arun Neha Manoj Rekha Ashok Geeta Vinod Shanti Prakash Usha Deepak Asha Rahul Nisha
--
Sharma Patel Singh Kumar Gupta Reddy Rao Nair Iyer Mehta Joshi Desai Shah Verma Agarwal Das
Mukherjee Banerjee Chatterjee Pillai Menon Kapoor Malhotra Bhat Kulkarni Mishra Pandey Yadav

Minjun Seoyeon Jiho Jiwoo Hyunwoo Minji Junho Yuna Sungmin Hana Jaehyun Soojin Donghyun Eunji
Taeyang Hyejin Youngho Jisoo Seungho Nari Kenji Yuki Hiroshi Sakura Takashi Naoko Satoshi Keiko
Makoto Haruka
--
Kim Lee Park Choi Jung Kang Cho Yoon Jang Lim Shin Kwon Hwang Ahn Sato Suzuki Takahashi Tanaka
Watanabe Ito Yamamoto Nakamura Kobayashi Kato Yoshida Yamada Sasaki Matsumoto

Chinedu Amara Kwame Akosua Oluwaseun Ngozi Kofi Abena Emeka Chioma Tunde Folake Sipho Thandi
Jabulani Nomsa Juma Wanjiku Kamau Achieng Otieno Njeri Tendai Rudo Mamadou Fatou Ousmane Aminata
Moussa Aissatou
--
Okafor Mensah Adeyemi Nwosu Boateng Okonkwo Owusu Balogun Asante Eze Dlamini Nkosi Mwangi Odhiambo
Kariuki Ndlovu Moyo Diallo Traore Diop Ndiaye Keita Banda Phiri Mutua Chukwu Obi Abebe
"""


def names() -> list[str]:
    """Return the names in a fixed order."""
    return [
        f"{first} {last}"
        for given_names, _, family in (origin.partition("--") for origin in _ORIGINS.split("\n\n"))
        for first, last in product(given_names.split(), family.split())
    ][:COUNT]


#: The origins in the order above, and a country in which their people live.
ORIGIN_COUNTRIES = {
    "English": "GB", "Spanish": "MX", "French": "FR", "German": "DE", "Italian": "IT",
    "Russian": "RU", "Arabic": "EG", "Turkish": "TR", "Chinese": "CN", "Indian": "IN",
    "Korean and Japanese": "KR", "African": "NG",
}  # fmt: skip


def names_by_origin(count: int) -> list[tuple[str, str]]:
    """Return so many names with their origins, the origins in equal parts."""
    share = count // len(ORIGIN_COUNTRIES)
    found = []
    for origin, text in zip(ORIGIN_COUNTRIES, _ORIGINS.split("\n\n"), strict=True):
        given_names, _, family = text.partition("--")
        pairs = [f"{first} {last}" for first, last in product(given_names.split(), family.split())]
        step = max(1, len(pairs) // share)
        found += [(name, origin) for name in pairs[::step][:share]]
    return found


def long_names_by_origin(count: int) -> list[tuple[str, str]]:
    """Return so many names of three and four words in turn, with their origins."""
    share = count // len(ORIGIN_COUNTRIES)
    found = []
    for origin, text in zip(ORIGIN_COUNTRIES, _ORIGINS.split("\n\n"), strict=True):
        given_text, _, family_text = text.partition("--")
        given, family = given_text.split(), family_text.split()
        for place in range(share):
            words = [
                given[place % len(given)],
                given[(place * 7 + 3) % len(given)],
                family[(place * 5 + place // len(given)) % len(family)],
            ]
            words += [family[(place * 11 + 4) % len(family)]] * (place % 2)
            found.append((" ".join(words), origin))
    return found
